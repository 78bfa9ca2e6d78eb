;; A handle that load never returned cannot be unloaded.
;; source: wasmedge-types:15 "InvalidArgument = 1, // Caller module passed an invalid argument."
;; expect: unload=error:1

(func $case
  (call $load_base)
  (call $number (i32.const "unload") (call $unload (i32.const 99))))
