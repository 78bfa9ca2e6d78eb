;; Address 0 is an ordinary address: an output can be copied there.
;; source: abi:39 "Data pointers in WASI API calls are relative to this memory's index space."
;; expect: get_output=0 out=f32:2,3,4,5

(func $case
  (call $computed)
  (call $number (i32.const "get_output")
    (call $get_output
      (call $context) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const $WRITTEN)))
  (call $bytes (i32.const "out") (i32.const 0) (i32.const 16)))
