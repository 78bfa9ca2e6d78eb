;; An empty builder at a null pointer is an error, because it is not a model.
;; source: witx:37 "(typename $graph_builder (list u8))"
;; expect: load=error
;; avoid: Make sure that the file was read before loading it.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const 0) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
