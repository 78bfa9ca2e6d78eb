;; A model can be loaded.
;; source: wit:98 "Load a `graph` from an opaque sequence of bytes to use for inference."
;; expect: load=0
;; avoid: Nothing works on a host without the encoding; see the host's manual for its encodings.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
