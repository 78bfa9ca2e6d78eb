;; A context that has been finalized cannot be computed.
;; source: wasmedge-types:15 "InvalidArgument = 1, // Caller module passed an invalid argument."
;; expect: finalize=0 compute=error:1

(func $case
  (call $ready)
  (call $number (i32.const "finalize") (call $finalize_execution_context (call $context)))
  (call $number (i32.const "compute") (call $compute (call $context))))
