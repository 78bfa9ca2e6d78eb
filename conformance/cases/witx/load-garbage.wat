;; Bytes that are not a model are an error.
;; source: wit:98 "Load a `graph` from an opaque sequence of bytes to use for inference."
;; expect: load=error
;; avoid: Check a model's file before loading it, by its first bytes or a digest.

(func $case
  (i32.store (i32.const $BASE) (i32.const $OUT))
  (i32.store offset=4 (i32.const $BASE) (i32.const 256))
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
