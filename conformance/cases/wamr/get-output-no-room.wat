;; A buffer declared to have a size of 0 is an error, and nothing is written into it.
;; source: wamr:103 "@param output_tensor_size Pointer to `output_tensor` maximum size. After the
;; function call it is updated with the copied number of bytes."
;; expect: get_output=error out=aa*4

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 0)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 4)))
