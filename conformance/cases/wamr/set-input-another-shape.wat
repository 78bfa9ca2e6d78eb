;; Whether the same number of elements with other dimensions is accepted.
;; source: wamr-types:119 "WASI_NN_NAME(tensor_dimensions) * dimensions;"
;; unspecified
;; avoid: Pass the dimensions that the model declares.

(func $case
  (call $opened)
  (i32.store offset=8 (i32.const $DIMS) (i32.const 2))
  (i32.store offset=12 (i32.const $DIMS) (i32.const 2))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
