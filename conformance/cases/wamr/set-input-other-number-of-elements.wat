;; A number of elements that differs from the input's is an error.
;; source: wamr-types:119 "WASI_NN_NAME(tensor_dimensions) * dimensions;"
;; source: wamr-types:43 "WASI_NN_ERROR_NAME(invalid_argument),"
;; expect: set_input=error:1

(func $case
  (call $opened)
  (i32.store offset=12 (i32.const $DIMS) (i32.const 5))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
