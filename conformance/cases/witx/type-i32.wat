;; Type 4 is i32: four bytes per element, signed.
;; source: witx:25 "$i32"
;; expect: set_input=0 compute=0 get_output=0 written=16 out=hex:01000000ffffffff00010000ff7f0000
;; avoid: Convert to f32 if a host lacks this type; for hosts from before 2023-08 it is number 3.

(func $case
  (call $must (i32.const "load")
    (call $load (i32.const $I32) (i32.const $I32_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $init)
  (i32.store8 offset=8 (i32.const $TENSOR) (i32.const 4))
  (call $show_all_steps))
(data $data (offset (i32.const $DATA)) (u32 1 4294967295 256 32767))
