;; Data that extends beyond the end of memory, according to its dimensions, is an error; the tensor
;; does not state a length.
;; source: wamr-types:108 "typedef uint8_t *WASI_NN_NAME(tensor_data);"
;; source: wamr-types:43 "WASI_NN_ERROR_NAME(invalid_argument),"
;; expect: set_input=error:1
;; trap

(func $case
  (call $opened)
  (i32.store offset=8 (i32.const $TENSOR) (i32.sub (i32.const $END) (i32.const 15)))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
