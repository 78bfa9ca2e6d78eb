;; A context that has been finalized cannot be finalized again.
;; source: wasmedge-types:15 "InvalidArgument = 1, // Caller module passed an invalid argument."
;; expect: finalize=0 finalize=error:1

(func $case
  (call $opened)
  (call $number (i32.const "finalize") (call $finalize_execution_context (call $context)))
  (call $number (i32.const "finalize") (call $finalize_execution_context (call $context))))
