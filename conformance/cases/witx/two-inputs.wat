;; Input 0 is the model's first and input 1 its second.
;; source: witx:77 "(param $index u32)"
;; expect: get_output=0 written=16 out=f32:-9,-18,-27,-36
;; avoid: On a host that fails here, use models of one input, or make one tensor of them.

(func $case
  (call $two_ready)
  (call $run)
  (call $show_output (i32.const 0)))
