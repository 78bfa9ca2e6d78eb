;; A graph that has been unloaded cannot be unloaded again.
;; source: wasmedge-types:15 "InvalidArgument = 1, // Caller module passed an invalid argument."
;; expect: unload=0 unload=error:1

(func $case
  (call $load_base)
  (call $number (i32.const "unload") (call $unload (call $graph)))
  (call $number (i32.const "unload") (call $unload (call $graph))))
