;; Sizes of dimensions that extend beyond the end of memory are an error.
;; source: wamr-types:68 "typedef struct { uint32_t *buf; uint32_t size; }
;; WASI_NN_NAME(tensor_dimensions);"
;; source: wamr-types:43 "WASI_NN_ERROR_NAME(invalid_argument),"
;; expect: set_input=error:1
;; trap

(func $case
  (call $opened)
  (i32.store (i32.const $SHAPE) (i32.sub (i32.const $END) (i32.const 8)))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
