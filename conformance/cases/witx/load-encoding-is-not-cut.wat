;; The encoding is the whole number: one of which only the low byte is known is an error.
;; source: wit:134 "Invalid encoding."
;; source: witx:41 "(enum (@witx tag u8)"
;; expect: load=error:2
;; avoid: Pass the encoding as a whole 32-bit number.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT)
      (i32.add (i32.const $ENCODING) (i32.const 256)) (i32.const 0) (i32.const $GRAPH))))
