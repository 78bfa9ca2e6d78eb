;; A handle that init_execution_context never returned cannot be finalized.
;; source: wasmedge-types:15 "InvalidArgument = 1, // Caller module passed an invalid argument."
;; expect: finalize=error:1

(func $case
  (call $opened)
  (call $number (i32.const "finalize") (call $finalize_execution_context (i32.const 99))))
