;; A free dimension of the model takes its size from the tensor.
;; source: wit:22 "The array length matches the tensor rank and each element in the array describes
;; the size of each dimension"
;; expect: set_input=0 compute=0 get_output=0 written=24 out=f32:2,3,4,5
;; avoid: If a host fails here, use models with fixed dimensions.

(func $case
  (call $must (i32.const "load")
    (call $load (i32.const $FREE) (i32.const $FREE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $init)
  (i32.store offset=12 (i32.const $DIMS) (i32.const 6))
  (i32.store offset=16 (i32.const $TENSOR) (i32.const 24))
  (call $show_all_steps))
