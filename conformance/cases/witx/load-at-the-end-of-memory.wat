;; A model that ends at the end of memory can be loaded.
;; source: witx:37 "(typename $graph_builder (list u8))"
;; expect: load=0

(func $case (local $at i32) (local $to i32)
  (local.set $to (i32.sub (i32.const $END) (i32.const $BASE_0_LEN)))
  (loop $next
    (i32.store8 (i32.add (local.get $to) (local.get $at))
      (i32.load8_u (i32.add (i32.const $BASE_0) (local.get $at))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $at) (i32.const $BASE_0_LEN))))
  (i32.store (i32.const $BASE) (local.get $to))
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
