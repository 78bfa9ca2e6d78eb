;; A context of a graph that has been unloaded accepts no input.
;; source: wasmedge-design:54 "set_input | NotDetached | admits Invalid for metadata reload"
;; expect: unload=0 set_input=error:1
;; avoid: Unload a graph when its contexts are no longer used.

(func $case
  (call $opened)
  (call $number (i32.const "unload") (call $unload (call $graph)))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
