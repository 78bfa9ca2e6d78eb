;; Data that extends beyond the end of memory is an error.
;; source: witx:29 "(typename $tensor_data (list u8))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1
;; trap

(func $case
  (call $opened)
  (i32.store offset=12 (i32.const $TENSOR) (i32.sub (i32.const $END) (i32.const 15)))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
