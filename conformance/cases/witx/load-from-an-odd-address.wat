;; A model's bytes can be at any address.
;; source: witx:37 "(typename $graph_builder (list u8))"
;; expect: load=0
;; avoid: If a host fails here, keep a model at an address that is a multiple of 16.

(func $case (local $at i32)
  (loop $next
    (i32.store8 (i32.add (i32.const 0x8001) (local.get $at))
      (i32.load8_u (i32.add (i32.const $BASE_0) (local.get $at))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $at) (i32.const $BASE_0_LEN))))
  (i32.store (i32.const $BASE) (i32.const 0x8001))
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
