;; What is copied into a buffer whose size is declared in floats.
;; source: wamr:103 "@param output_tensor_size Pointer to `output_tensor` maximum size. After the
;; function call it is updated with the copied number of bytes."
;; unspecified
;; avoid: Declare the size in bytes: with a size in floats, some hosts copy and some refuse.

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 4)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 16)))
