;; How many of sixteen graphs can be loaded at the same time.
;; source: witx:39 "(typename $graph (handle))"
;; unspecified
;; avoid: Load a model once, and make several contexts for its graph; the specification has no
;; function that frees a graph.

(func $case (local $made i32)
  (loop $next
    (if (i32.eqz
          (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
            (i32.const $GRAPH)))
      (then
        (local.set $made (i32.add (local.get $made) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $made) (i32.const 16))))))
  (call $number (i32.const "loaded") (local.get $made)))
