;; Type 4 is i32: four bytes an element, signed.
;; source: witx:25 "$i32"
;; expect: set_input=0 compute=0 get_output=0 written=16 out=hex:01000000ffffffff00010000ff7f0000
;; avoid: Convert to f32 where a host lacks this type; those of before 2023-08 have it as 3.

(func $case
  (call $must (i32.const "load")
    (call $load (i32.const $I32) (i32.const $I32_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $init)
  (i32.store8 offset=8 (i32.const $TENSOR) (i32.const 4))
  (call $typed))
(data $data (offset (i32.const $DATA)) (u32 1 4294967295 256 32767))
(func $typed
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR)))
  (call $number (i32.const "compute") (call $compute (call $context)))
  (call $show_output (i32.const 0)))
