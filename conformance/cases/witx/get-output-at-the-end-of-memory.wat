;; The output is copied into a buffer that ends at the end of memory.
;; source: witx:84 "(param $out_buffer (@witx pointer u8))"
;; expect: get_output=0 out=f32:2,3,4,5

(func $case
  (call $computed)
  (call $number (i32.const "get_output")
    (call $get_output
      (call $context) (i32.const 0) (i32.sub (i32.const $END) (i32.const 16)) (i32.const 16)
      (i32.const $WRITTEN)))
  (call $bytes (i32.const "out") (i32.sub (i32.const $END) (i32.const 16)) (i32.const 16)))
