;; A free dimension of the model can have another size the next time.
;; source: wit:22 "The array length matches the tensor rank and each element in the array describes
;; the size of each dimension"
;; expect: get_output=0 out=f32:2,3,4,5 get_output=0 out=f32:2,3,4,5
;; avoid: Make a context for each size.

(func $case
  (call $must (i32.const "load")
    (call $load (i32.const $FREE) (i32.const $FREE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $init)
  (call $set (i32.const 0))
  (call $run)
  (call $show_output (i32.const 0))
  (i32.store offset=12 (i32.const $DIMS) (i32.const 2))
  (i32.store offset=16 (i32.const $TENSOR) (i32.const 8))
  (call $set (i32.const 0))
  (call $run)
  (call $show_output (i32.const 0)))
