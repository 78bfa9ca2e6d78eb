;; After a call with a buffer that was too small, the output is copied into a larger one.
;; source: witx:85 "(param $out_buffer_max_size $buffer_size)"
;; expect: get_output=error get_output=0 out=f32:2,3,4,5

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 8)))
  (call $show_output (i32.const 0)))
