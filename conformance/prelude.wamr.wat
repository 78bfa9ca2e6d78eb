;; The parts that differ in WAMR's older ABI.

;; A pointer to the dimensions and their number, type, data.
(data $tensor (offset (i32.const $TENSOR)) (u32 $SHAPE 1 $DATA))
(data $tensor_2 (offset (i32.const $TENSOR_2)) (u32 $SHAPE_2 1 $DATA_2))
(data $shape (offset (i32.const $SHAPE)) (u32 $DIMS 4))
(data $shape_2 (offset (i32.const $SHAPE_2)) (u32 $DIMS_2 4))

(func $load_base
  (call $must (i32.const "load")
    (call $load (i32.const $BASE_ARRAY)
      (i32.const $ENCODING) (i32.const 0) (i32.const $GRAPH))))

(func $load_two
  (call $must (i32.const "load")
    (call $load (i32.const $TWO_ARRAY)
      (i32.const $ENCODING) (i32.const 0) (i32.const $GRAPH))))

(func $get (param $index i32) (param $room i32) (result i32)
  (i32.store (i32.const $WRITTEN) (local.get $room))
  (call $get_output (call $context) (local.get $index)
    (i32.const $OUT) (i32.const $WRITTEN)))
