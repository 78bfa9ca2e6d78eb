;; A target that the specification does not name is an error.
;; source: witx:51 "(enum (@witx tag u8)"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: load=error:1
;; avoid: Pass only targets 0 to 2.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 3)
      (i32.const $GRAPH))))
