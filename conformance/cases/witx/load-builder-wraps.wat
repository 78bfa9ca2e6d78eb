;; A builder whose address and length add up to more than 32 bits is an error.
;; source: witx:37 "(typename $graph_builder (list u8))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: load=error:1
;; trap
;; avoid: A wrong length may crash the host's process, with everything else that runs in it.

(func $case
  (i32.store (i32.const $BASE) (i32.const -16))
  (i32.store offset=4 (i32.const $BASE) (i32.const 32))
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
