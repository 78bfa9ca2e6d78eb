;; A buffer declared one byte too small is an error, and nothing is written into it.
;; source: wamr:103 "@param output_tensor_size Pointer to `output_tensor` maximum size. After the
;; function call it is updated with the copied number of bytes."
;; source: wamr-types:49 "WASI_NN_ERROR_NAME(too_large),"
;; expect: get_output=error out=aa*16
;; avoid: Make the buffer as large as the output, and larger than the declared size: hosts that
;; count floats write beyond it.

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 15)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 16)))
