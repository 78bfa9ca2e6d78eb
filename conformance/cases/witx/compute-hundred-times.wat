;; A context can be used a hundred times.
;; source: wit:124 "Compute the inference on the given inputs."
;; expect: get_output=0 written=16 out=f32:101,3,4,5

(func $case (local $count i32)
  (call $opened)
  (loop $next
    (local.set $count (i32.add (local.get $count) (i32.const 1)))
    (f32.store (i32.const $DATA) (f32.convert_i32_s (local.get $count)))
    (call $set (i32.const 0))
    (call $run)
    (br_if $next (i32.lt_u (local.get $count) (i32.const 100))))
  (call $show_output (i32.const 0)))
