;; Infinity is kept unchanged, and NaN stays NaN.
;; source: witx:22 "$f32"
;; encodings: openvino onnx
;; expect: get_output=0 infinities=hex:0000807f000080ff nan=1

(func $case (local $value f32)
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 16)))
  (call $bytes (i32.const "infinities") (i32.const $OUT) (i32.const 8))
  (local.set $value (f32.load offset=8 (i32.const $OUT)))
  (call $number (i32.const "nan") (f32.ne (local.get $value) (local.get $value))))
(data $data (offset (i32.const $DATA)) "\00\00\80\7f\00\00\80\ff\00\00\c0\7f\00\00\00\00")
