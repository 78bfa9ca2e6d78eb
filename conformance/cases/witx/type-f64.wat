;; Type 2 is f64: eight bytes per element.
;; source: witx:23 "$f64"
;; expect: set_input=0 compute=0 get_output=0 written=32 out=hex:000000000000f03f0000000000000040
;; avoid: Use f32: some hosts lack this type, and those from before 2023-08 have u8 in its place.

(func $case
  (call $must (i32.const "load")
    (call $load (i32.const $F64) (i32.const $F64_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $init)
  (i32.store8 offset=8 (i32.const $TENSOR) (i32.const 2))
  (i32.store offset=16 (i32.const $TENSOR) (i32.const 32))
  (call $show_all_steps))
(data $data (offset (i32.const $DATA))
  "\00\00\00\00\00\00\f0\3f\00\00\00\00\00\00\00\40"
  "\00\00\00\00\00\00\08\40\00\00\00\00\00\00\10\40")
