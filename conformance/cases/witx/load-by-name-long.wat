;; A name of 32,768 bytes is an error if no graph has that name.
;; source: witx:68 "(param $name string)"
;; expect: load_by_name=error

(func $case (local $at i32)
  (local.set $at (i32.const 0x4000))
  (loop $next
    (i32.store8 (local.get $at) (i32.const 97))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $at) (i32.const 0xc000))))
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const 0x4000) (i32.const 0x8000) (i32.const $GRAPH))))
