;; A tensor is still there at compute where memory was grown, and may have moved, after set_input.
;; source: witx:78 "(param $tensor $tensor)"
;; expect: get_output=0 written=16 out=f32:2,3,4,5
;; avoid: On a host that does not copy tensors, do not allocate between set_input and compute.

(func $case
  (call $ready)
  (drop (memory.grow (i32.const 64)))
  (call $run)
  (call $show_output (i32.const 0)))
