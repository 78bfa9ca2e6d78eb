;; Input 0 is the model's first and input 1 its second.
;; source: witx:77 "(param $index u32)"
;; expect: get_output=0 out=f32:-9,-18,-27,-36
;; avoid: If a host fails here, use models with one input, or combine the inputs in one tensor.

(func $case
  (call $two_ready)
  (call $run)
  (call $show_output (i32.const 0)))
