;; load, if only the units of outputs differ. PARAMETERS and ARGUMENTS are those of the layout.
;; ONE_BACKEND refuses a model for a different backend than the previous model. KEPT stores the
;; encoding in the global if the model was loaded.
(func $PARAMETERS (result i32)
  (local $errno i32) (local $keep i32)
  $ONE_BACKEND
  $ARGUMENTS  call $host  $ERRNOS
  $KEPT)
