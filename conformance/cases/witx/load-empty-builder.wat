;; A builder of no bytes, from a null pointer, is not a model: an error.
;; source: witx:37 "(typename $graph_builder (list u8))"
;; expect: load=error
;; avoid: See that the file was read before it is loaded.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const 0) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
