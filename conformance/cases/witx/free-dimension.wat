;; A dimension that the model leaves free takes the size of the tensor's.
;; source: wit:22 "The array length matches the tensor rank and each element in the array describes
;; the size of each dimension"
;; expect: set_input=0 compute=0 get_output=0 written=24 out=f32:2,3,4,5
;; avoid: Use models of fixed dimensions where a host fails here.

(func $case
  (call $must (i32.const "load")
    (call $load (i32.const $FREE) (i32.const $FREE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $init)
  (i32.store offset=12 (i32.const $DIMS) (i32.const 6))
  (i32.store offset=16 (i32.const $TENSOR) (i32.const 24))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR)))
  (call $number (i32.const "compute") (call $compute (call $context)))
  (call $show_output (i32.const 0)))
