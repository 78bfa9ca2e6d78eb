;; A buffer of exactly the output's bytes is large enough.
;; source: witx:85 "(param $out_buffer_max_size $buffer_size)"
;; expect: get_output=0 written=16 out=f32:2,3,4,5

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 16)))
  (call $number (i32.const "written") (i32.load (i32.const $WRITTEN)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 16)))
