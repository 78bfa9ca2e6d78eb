;; Type 3 is u8: one byte an element.
;; source: witx:24 "$u8"
;; expect: set_input=0 compute=0 get_output=0 written=4 out=hex:007f80ffaa*12
;; avoid: Convert to f32 where a host lacks this type; those of before 2023-08 have it as 2.

(func $case
  (call $must (i32.const "load")
    (call $load (i32.const $U8) (i32.const $U8_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $init)
  (i32.store8 offset=8 (i32.const $TENSOR) (i32.const 3))
  (i32.store offset=16 (i32.const $TENSOR) (i32.const 4))
  (call $typed))
(data $data (offset (i32.const $DATA)) "\00\7f\80\ff")
(func $typed
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR)))
  (call $number (i32.const "compute") (call $compute (call $context)))
  (call $show_output (i32.const 0)))
