;; The handle of a context that has been finalized is not used again.
;; source: wasmedge-design:17 "Handles are allocated monotonically and **never reused**"
;; expect: finalize=0 same=0
;; avoid: Forget a handle when its context is finalized.

(func $case
  (call $opened)
  (i32.store (i32.const $CONTEXT_2) (call $context))
  (call $number (i32.const "finalize") (call $finalize_execution_context (call $context)))
  (call $init)
  (call $number (i32.const "same") (i32.eq (call $context) (call $context_2))))
