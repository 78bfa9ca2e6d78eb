;; In a larger buffer, nothing is written after the output.
;; source: wamr:103 "@param output_tensor_size Pointer to `output_tensor` maximum size. After the
;; function call it is updated with the copied number of bytes."
;; expect: get_output=0 out=hex:0000004000004040000080400000a040aa*16

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 128)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 32)))
