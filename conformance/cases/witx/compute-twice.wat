;; Computing the same input again gives the same output.
;; source: wit:124 "Compute the inference on the given inputs."
;; expect: compute=0 get_output=0 out=f32:2,3,4,5
;; avoid: Set all inputs before each compute.

(func $case
  (call $computed)
  (call $number (i32.const "compute") (call $compute (call $context)))
  (call $show_output (i32.const 0)))
