;; A structure of dimensions that extends beyond the end of memory is an error.
;; source: wamr-types:119 "WASI_NN_NAME(tensor_dimensions) * dimensions;"
;; source: wamr-types:43 "WASI_NN_ERROR_NAME(invalid_argument),"
;; expect: set_input=error:1
;; trap

(func $case
  (call $opened)
  (i32.store (i32.const $TENSOR) (i32.sub (i32.const $END) (i32.const 4)))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
