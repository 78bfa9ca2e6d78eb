;; A type that the specification does not name is an error.
;; source: witx:20 "(enum (@witx tag u8)"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1
;; avoid: Pass only types 0 to 5.

(func $case
  (call $opened)
  (i32.store8 offset=8 (i32.const $TENSOR) (i32.const 255))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
