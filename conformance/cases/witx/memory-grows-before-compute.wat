;; A tensor is still valid for compute if memory has grown, and may have moved, after set_input.
;; source: witx:78 "(param $tensor $tensor)"
;; expect: get_output=0 out=f32:2,3,4,5
;; avoid: If a host does not copy tensors, do not allocate memory between set_input and compute.

(func $case
  (call $ready)
  (drop (memory.grow (i32.const 64)))
  (call $run)
  (call $show_output (i32.const 0)))
