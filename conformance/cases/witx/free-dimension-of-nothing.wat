;; What happens with a free dimension of size 0.
;; source: wit:40 "and the array length must match the product of all of the dimensions and the
;; number of bytes in the type"
;; unspecified
;; avoid: Do not compute with empty tensors.

(func $case
  (call $must (i32.const "load")
    (call $load (i32.const $FREE) (i32.const $FREE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $init)
  (i32.store offset=12 (i32.const $DIMS) (i32.const 0))
  (i32.store offset=16 (i32.const $TENSOR) (i32.const 0))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR)))
  (call $number (i32.const "compute") (call $compute (call $context)))
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 64)))
  (call $number (i32.const "written") (i32.load (i32.const $WRITTEN))))
