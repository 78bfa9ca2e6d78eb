;; Type 5 is i64: eight bytes per element.
;; source: witx:26 "$i64"
;; expect: set_input=0 compute=0 get_output=0 written=32 out=hex:0100000000000000ffffffffffffffff
;; avoid: Use i32 or f32: some hosts lack this type.

(func $case
  (call $must (i32.const "load")
    (call $load (i32.const $I64) (i32.const $I64_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $init)
  (i32.store8 offset=8 (i32.const $TENSOR) (i32.const 5))
  (i32.store offset=16 (i32.const $TENSOR) (i32.const 32))
  (call $show_all_steps))
(data $data (offset (i32.const $DATA)) (u32 1 0 4294967295 4294967295 3 0 4 0))
