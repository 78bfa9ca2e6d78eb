;; An array of builders that extends beyond the end of memory is an error.
;; source: witx:38 "(typename $graph_builder_array (list $graph_builder))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: load=error:1
;; trap
;; avoid: A wrong pointer may crash the host's process, with everything else that runs in it.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.sub (i32.const $END) (i32.const 4)) (i32.const 1) (i32.const $ENCODING)
      (i32.const 0) (i32.const $GRAPH))))
