;; A buffer of exactly the output's size is large enough.
;; source: witx:85 "(param $out_buffer_max_size $buffer_size)"
;; expect: get_output=0 out=f32:2,3,4,5

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 16)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 16)))
