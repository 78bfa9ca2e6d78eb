;; load, where only outputs are counted by another unit. PARAMETERS and ARGUMENTS are those of the
;; layout; ONE_BACKEND refuses a model of another backend than the one before, KEPT keeps the
;; encoding in the global, if the model was loaded.
(func $PARAMETERS (result i32)
  (local $errno i32) (local $keep i32)
  $ONE_BACKEND
  $ARGUMENTS  call $host  $ERRNOS
  $KEPT)
