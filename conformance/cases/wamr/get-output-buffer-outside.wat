;; A buffer that extends beyond the end of memory, and is too small for the output, is an error.
;; source: wamr:103 "@param output_tensor_size Pointer to `output_tensor` maximum size. After the
;; function call it is updated with the copied number of bytes."
;; source: wamr-types:43 "WASI_NN_ERROR_NAME(invalid_argument),"
;; expect: get_output=error:1
;; trap

(func $case
  (call $computed)
  (i32.store (i32.const $WRITTEN) (i32.const 16))
  (call $number (i32.const "get_output")
    (call $get_output
      (call $context) (i32.const 0) (i32.sub (i32.const $END) (i32.const 8))
      (i32.const $WRITTEN))))
