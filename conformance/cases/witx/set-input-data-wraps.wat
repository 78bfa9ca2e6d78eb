;; Data whose address and length add up to more than 32 bits is an error.
;; source: witx:29 "(typename $tensor_data (list u8))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1
;; trap

(func $case
  (call $opened)
  (i32.store offset=12 (i32.const $TENSOR) (i32.const -8))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
