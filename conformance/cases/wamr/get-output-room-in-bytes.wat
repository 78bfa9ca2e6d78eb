;; A buffer whose declared size is the output's in bytes is large enough.
;; source: wamr:103 "@param output_tensor_size Pointer to `output_tensor` maximum size. After the
;; function call it is updated with the copied number of bytes."
;; expect: get_output=0 out=f32:2,3,4,5

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 16)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 16)))
