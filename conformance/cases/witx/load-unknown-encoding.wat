;; An encoding that the specification does not name is an error.
;; source: wit:134 "Invalid encoding."
;; source: witx:41 "(enum (@witx tag u8)"
;; expect: load=error:2
;; avoid: Pass only encodings 0 to 4; do not try encodings at run time to find out which the host
;; has.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const 255) (i32.const 0)
      (i32.const $GRAPH))))
