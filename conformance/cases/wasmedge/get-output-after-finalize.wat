;; A context that has been finalized has no output.
;; source: wasmedge-types:15 "InvalidArgument = 1, // Caller module passed an invalid argument."
;; expect: finalize=0 get_output=error:1

(func $case
  (call $computed)
  (call $number (i32.const "finalize") (call $finalize_execution_context (call $context)))
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 64))))
