;; Output 1 is the model's second.
;; source: witx:83 "(param $index u32)"
;; expect: get_output=0 written=16 out=f32:10,40,90,160

(func $case
  (call $two_ready)
  (call $run)
  (call $show_output (i32.const 1)))
