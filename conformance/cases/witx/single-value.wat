;; A single value has the dimensions [1].
;; source: wit:49 "To represent a tensor containing a single value, use `[1]` for the tensor
;; dimensions."
;; expect: get_output=0 written=4 out=f32:2

(func $case
  (call $must (i32.const "load")
    (call $load (i32.const $SINGLE) (i32.const $SINGLE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $init)
  (call $set (i32.const 0))
  (call $run)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 64)))
  (call $number (i32.const "written") (i32.load (i32.const $WRITTEN)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 4)))
(data $tensor (offset (i32.const $TENSOR)) (u32 $DIMS 1 1 $DATA 4))
