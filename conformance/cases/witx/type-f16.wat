;; Type 0 is f16: two bytes per element.
;; source: witx:21 "$f16"
;; expect: set_input=0 compute=0 get_output=0 written=8 out=hex:003c004000420044aa*8
;; avoid: Use f32 if a host lacks this type.

(func $case
  (call $must (i32.const "load")
    (call $load (i32.const $F16) (i32.const $F16_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $init)
  (i32.store8 offset=8 (i32.const $TENSOR) (i32.const 0))
  (i32.store offset=16 (i32.const $TENSOR) (i32.const 8))
  (call $show_all_steps))
(data $data (offset (i32.const $DATA)) "\00\3c\00\40\00\42\00\44")
