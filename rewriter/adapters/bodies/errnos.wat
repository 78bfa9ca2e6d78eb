;; A function of which only the errnos have other numbers. PARAMETERS and ARGUMENTS are its own.
(func $PARAMETERS (result i32)
  (local $errno i32)
  $ARGUMENTS  call $host  $ERRNOS)
