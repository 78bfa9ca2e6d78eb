;; Dimensions whose product does not fit in 32 bits, but whose low 32 bits are the model's number of
;; elements, are an error.
;; source: wamr-types:119 "WASI_NN_NAME(tensor_dimensions) * dimensions;"
;; source: wamr-types:43 "WASI_NN_ERROR_NAME(invalid_argument),"
;; expect: set_input=error:1
;; avoid: Check dimensions that come from a file before passing them on.

(func $case
  (call $opened)
  (i32.store offset=8 (i32.const $DIMS) (i32.const 0x40000001))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
