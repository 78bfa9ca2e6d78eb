;; A buffer consists of bytes, so it can be at any address.
;; source: witx:84 "(param $out_buffer (@witx pointer u8))"
;; expect: get_output=0 out=hex:aa0000004000004040000080400000a040aa

(func $case
  (call $computed)
  (call $number (i32.const "get_output")
    (call $get_output
      (call $context) (i32.const 0) (i32.add (i32.const $OUT) (i32.const 1)) (i32.const 16)
      (i32.const $WRITTEN)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 18)))
