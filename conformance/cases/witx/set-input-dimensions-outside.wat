;; Dimensions that extend beyond the end of memory are an error.
;; source: witx:18 "(typename $tensor_dimensions (list u32))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1
;; trap

(func $case
  (call $opened)
  (i32.store (i32.const $TENSOR) (i32.sub (i32.const $END) (i32.const 8)))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
