;; Type 3 is u8: one byte per element.
;; source: witx:24 "$u8"
;; expect: set_input=0 compute=0 get_output=0 written=4 out=hex:007f80ffaa*12
;; avoid: Convert to f32 if a host lacks this type; for hosts from before 2023-08 it is number 2.

(func $case
  (call $must (i32.const "load")
    (call $load (i32.const $U8) (i32.const $U8_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $init)
  (i32.store8 offset=8 (i32.const $TENSOR) (i32.const 3))
  (i32.store offset=16 (i32.const $TENSOR) (i32.const 4))
  (call $show_all_steps))
(data $data (offset (i32.const $DATA)) "\00\7f\80\ff")
