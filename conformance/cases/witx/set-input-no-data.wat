;; A null pointer with a length of 0 is an error as data, if the input has elements.
;; source: wit:40 "and the array length must match the product of all of the dimensions and the
;; number of bytes in the type"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1

(func $case
  (call $opened)
  (i32.store offset=12 (i32.const $TENSOR) (i32.const 0))
  (i32.store offset=16 (i32.const $TENSOR) (i32.const 0))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
