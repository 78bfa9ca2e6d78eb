;; Two models can be used at the same time without affecting each other.
;; source: witx:39 "(typename $graph (handle))"
;; expect: get_output=0 out=f32:10,40,90,160 get_output=0 out=f32:2,3,4,5

(func $case
  (call $computed)
  (i32.store (i32.const $CONTEXT_2) (call $context))
  (call $two_ready)
  (call $run)
  (call $show_output (i32.const 1))
  (i32.store (i32.const $CONTEXT) (call $context_2))
  (call $show_output (i32.const 0)))
