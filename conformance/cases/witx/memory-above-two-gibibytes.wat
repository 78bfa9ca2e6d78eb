;; Addresses are unsigned: data and buffers above 2 GiB work.
;; source: abi:39 "Data pointers in WASI API calls are relative to this memory's index space."
;; expect: get_output=0 out=f32:1,1,1,1
;; avoid: If memory cannot grow so far, or a host fails here, keep tensors at low addresses.

(func $case
  (call $opened)
  (call $must (i32.const "memory") (i32.lt_s (memory.grow (i32.const 0x8000)) (i32.const 0)))
  (i32.store offset=12 (i32.const $TENSOR) (i32.const 0x80000040))
  (call $set (i32.const 0))
  (call $run)
  (call $number (i32.const "get_output")
    (call $get_output
      (call $context) (i32.const 0) (i32.const 0x80000080) (i32.const 16) (i32.const $WRITTEN)))
  (call $bytes (i32.const "out") (i32.const 0x80000080) (i32.const 16)))
