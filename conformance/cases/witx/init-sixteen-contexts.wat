;; How many of sixteen contexts of a graph can exist at the same time.
;; source: witx:57 "(typename $graph_execution_context (handle))"
;; unspecified
;; avoid: Reuse a context for the next input; the specification has no function that frees one.

(func $case (local $made i32)
  (call $load_base)
  (loop $next
    (if (i32.eqz (call $init_execution_context (call $graph) (i32.const $CONTEXT)))
      (then
        (local.set $made (i32.add (local.get $made) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $made) (i32.const 16))))))
  (call $number (i32.const "made") (local.get $made)))
