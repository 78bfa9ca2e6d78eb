;; The handle of a context is not valid as a graph.
;; source: witx:39 "(typename $graph (handle))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: init=error:1
;; avoid: Keep handles of graphs and of contexts apart.

(func $case (local $count i32)
  (call $load_base)
  (loop $next
    (call $init)
    (local.set $count (i32.add (local.get $count) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $count) (i32.const 3))))
  (call $number (i32.const "init")
    (call $init_execution_context (call $context) (i32.const $CONTEXT_2))))
