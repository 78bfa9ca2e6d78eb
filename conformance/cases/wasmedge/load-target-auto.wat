;; Target 3, the one that preloaded models can have, is an error for a guest.
;; source: wasmedge:111 "[WASI-NN] Unknown device {}."
;; source: wasmedge-types:15 "InvalidArgument = 1, // Caller module passed an invalid argument."
;; expect: load=error:1
;; avoid: Pass targets 0 to 2 alone.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 3)
      (i32.const $GRAPH))))
