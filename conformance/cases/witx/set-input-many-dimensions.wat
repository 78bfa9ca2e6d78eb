;; A thousand dimensions are an error.
;; source: witx:18 "(typename $tensor_dimensions (list u32))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1

(func $case
  (call $opened)
  (i32.store (i32.const $TENSOR) (i32.const 0x4000))
  (i32.store offset=4 (i32.const $TENSOR) (i32.const 1000))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
