;; An empty list of builders is an error.
;; source: witx:38 "(typename $graph_builder_array (list $graph_builder))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: load=error:1

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const 0) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
