;; A hundred graphs can be loaded, each after the previous one was unloaded.
;; source: wasmedge-design:25 "Backend resources are released by the payload destructors (RAII) at
;; the last `shared_ptr` release"
;; expect: left=0 get_output=0 out=f32:2,3,4,5

(func $case (local $count i32)
  (local.set $count (i32.const 100))
  (loop $next
    (call $load_base)
    (call $must (i32.const "unload") (call $unload (call $graph)))
    (local.set $count (i32.sub (local.get $count) (i32.const 1)))
    (br_if $next (local.get $count)))
  (call $number (i32.const "left") (local.get $count))
  (call $computed)
  (call $show_output (i32.const 0)))
