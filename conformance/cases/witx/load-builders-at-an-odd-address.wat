;; An array of builders at an address that is not a multiple of four can be loaded or is an error;
;; the host survives.
;; source: witx:38 "(typename $graph_builder_array (list $graph_builder))"
;; expect: load=any
;; trap
;; avoid: Give arrays and structures the alignment that a compiler gives them.

(func $case
  (i32.store offset=1 (i32.const $DIMS) (i32.load (i32.const $BASE)))
  (i32.store offset=5 (i32.const $DIMS) (i32.load offset=4 (i32.const $BASE)))
  (i32.store offset=9 (i32.const $DIMS) (i32.load offset=8 (i32.const $BASE)))
  (i32.store offset=13 (i32.const $DIMS) (i32.load offset=12 (i32.const $BASE)))
  (call $number (i32.const "load")
    (call $load (i32.add (i32.const $DIMS) (i32.const 1)) (i32.const $BASE_COUNT)
      (i32.const $ENCODING) (i32.const 0) (i32.const $GRAPH))))
