;; Outputs can be read in any order.
;; source: witx:83 "(param $index u32)"
;; expect: get_output=0 written=16 out=f32:10,40,90,160 get_output=0 written=16
;; out=f32:-9,-18,-27,-36

(func $case
  (call $two_ready)
  (call $run)
  (call $show_output (i32.const 1))
  (call $show_output (i32.const 0)))
