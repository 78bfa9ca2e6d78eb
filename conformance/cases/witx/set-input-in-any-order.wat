;; Inputs can be set in any order, the last first.
;; source: witx:77 "(param $index u32)"
;; expect: get_output=0 written=16 out=f32:-9,-18,-27,-36

(func $case
  (call $load_two)
  (call $init)
  (call $set (i32.const 1))
  (call $set (i32.const 0))
  (call $run)
  (call $show_output (i32.const 0)))
