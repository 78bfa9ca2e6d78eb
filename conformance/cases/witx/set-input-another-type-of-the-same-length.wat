;; Half as many elements of a type of twice the size do not fit the input.
;; source: witx:20 "(enum (@witx tag u8)"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1

(func $case
  (call $opened)
  (i32.store8 offset=8 (i32.const $TENSOR) (i32.const 2))
  (i32.store offset=12 (i32.const $DIMS) (i32.const 2))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
