;; The target is the whole number: one of which only the low byte is known is an error.
;; source: witx:51 "(enum (@witx tag u8)"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: load=error:1
;; avoid: Pass the target as a whole 32-bit number.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 256)
      (i32.const $GRAPH))))
