;; Dimensions whose product does not fit in 64 bits are an error.
;; source: wit:40 "and the array length must match the product of all of the dimensions and the
;; number of bytes in the type"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1
;; avoid: Check dimensions that come from a file before passing them on.

(func $case
  (call $opened)
  (call $set_input_dims (i32.const 0x10000))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
(func $set_input_dims (param $dim i32)
  (i32.store (i32.const $DIMS) (local.get $dim))
  (i32.store offset=4 (i32.const $DIMS) (local.get $dim))
  (i32.store offset=8 (i32.const $DIMS) (local.get $dim))
  (i32.store offset=12 (i32.const $DIMS) (local.get $dim)))
