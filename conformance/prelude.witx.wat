;; The parts that differ in the specification's ABI.

;; Dimensions and their number, type, three bytes of padding, data and its length.
(data $tensor (offset (i32.const $TENSOR)) (u32 $DIMS 4 1 $DATA 16))
(data $tensor_2 (offset (i32.const $TENSOR_2)) (u32 $DIMS_2 4 1 $DATA_2 16))

(func $load_base
  (call $must (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT)
      (i32.const $ENCODING) (i32.const 0) (i32.const $GRAPH))))

(func $load_two
  (call $must (i32.const "load")
    (call $load (i32.const $TWO) (i32.const $TWO_COUNT)
      (i32.const $ENCODING) (i32.const 0) (i32.const $GRAPH))))

(func $get (param $index i32) (param $room i32) (result i32)
  (call $get_output (call $context) (local.get $index)
    (i32.const $OUT) (local.get $room) (i32.const $WRITTEN)))
