;; A context can be finalized.
;; source: wasmedge-env:393 "Detach the handle; the destructor drops backend state and the graph
;; pin."
;; expect: finalize=0

(func $case
  (call $opened)
  (call $number (i32.const "finalize") (call $finalize_execution_context (call $context))))
