;; A tensor's elements are in row-major order.
;; source: wit:42 "this representation requires some knowledge of how to lay out data in
;; memory--e.g., using row-major ordering"
;; expect: get_output=0 out=f32:11,12,13,24,25,26

(func $case
  (call $must (i32.const "load")
    (call $load (i32.const $ROWS) (i32.const $ROWS_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $init)
  (call $set (i32.const 0))
  (call $run)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 64)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 24)))
(data $data (offset (i32.const $DATA)) (f32 1 2 3 4 5 6))
(data $dims (offset (i32.const $DIMS)) (u32 2 3))
(data $tensor (offset (i32.const $TENSOR)) (u32 $DIMS 2 1 $DATA 24))
