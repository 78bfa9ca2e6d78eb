;; What is copied into a buffer that is declared larger than memory, which guests of this ABI do.
;; source: wamr:103 "@param output_tensor_size Pointer to `output_tensor` maximum size. After the
;; function call it is updated with the copied number of bytes."
;; unspecified
;; avoid: Declare the buffer's real size.

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 1000000)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 16)))
