;; A graph does not need the guest's bytes after load: the guest can reuse that memory.
;; source: wit:98 "Load a `graph` from an opaque sequence of bytes to use for inference."
;; expect: get_output=0 out=f32:2,3,4,5
;; avoid: If a host fails here, keep a model's bytes as long as its graphs are used.

(func $case (local $at i32)
  (call $load_base)
  (local.set $at (i32.const $BASE_0))
  (loop $next
    (i32.store8 (local.get $at) (i32.const 0))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $at) (i32.add (i32.const $BASE_0) (i32.const $BASE_0_LEN)))))
  (call $init)
  (call $set (i32.const 0))
  (call $run)
  (call $show_output (i32.const 0)))
