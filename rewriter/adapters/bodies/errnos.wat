;; A function for which only the errnos differ. PARAMETERS and ARGUMENTS are those of the function.
(func $PARAMETERS (result i32)
  (local $errno i32)
  $ARGUMENTS  call $host  $ERRNOS)
