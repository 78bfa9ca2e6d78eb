;; An output can be copied into memory that has grown after compute.
;; source: abi:38 "Regardless of the kind, all modules accessing WASI APIs also export a linear
;; memory with the name `memory`."
;; expect: get_output=0 out=f32:2,3,4,5

(func $case
  (call $computed)
  (drop (memory.grow (i32.const 16)))
  (call $number (i32.const "get_output")
    (call $get_output
      (call $context) (i32.const 0) (i32.add (i32.const $END) (i32.const 0xf0000))
      (i32.const 16) (i32.const $WRITTEN)))
  (call $bytes (i32.const "out") (i32.add (i32.const $END) (i32.const 0xf0000)) (i32.const 16)))
