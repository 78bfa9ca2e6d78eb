;; A type that the header does not name is an error.
;; source: wamr-types:86 "typedef enum { WASI_NN_TYPE_NAME(fp16) = 0, WASI_NN_TYPE_NAME(fp32),
;; WASI_NN_TYPE_NAME(up8), WASI_NN_TYPE_NAME(ip32), } WASI_NN_NAME(tensor_type);"
;; expect: set_input=error

(func $case
  (call $opened)
  (i32.store offset=4 (i32.const $TENSOR) (i32.const 9))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
