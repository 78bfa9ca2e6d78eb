;; The first half of a model is an error.
;; source: wit:98 "Load a `graph` from an opaque sequence of bytes to use for inference."
;; expect: load=error
;; avoid: Make sure that the whole file was read before loading it.

(func $case
  (i32.store offset=4 (i32.const $BASE) (i32.div_u (i32.const $BASE_0_LEN) (i32.const 2)))
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
