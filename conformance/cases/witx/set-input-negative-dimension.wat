;; A dimension of 2^32 - 1, which some read as -1, is an error.
;; source: witx:18 "(typename $tensor_dimensions (list u32))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1
;; avoid: Pass the real size of a free dimension, not -1.

(func $case
  (call $opened)
  (i32.store offset=12 (i32.const $DIMS) (i32.const -1))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
