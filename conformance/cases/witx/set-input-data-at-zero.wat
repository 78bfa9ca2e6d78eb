;; Address 0 is an ordinary address: data can be there.
;; source: abi:39 "Data pointers in WASI API calls are relative to this memory's index space."
;; expect: get_output=0 out=f32:1,1,1,1

(func $case
  (call $opened)
  (i32.store offset=12 (i32.const $TENSOR) (i32.const 0))
  (call $set (i32.const 0))
  (call $run)
  (call $show_output (i32.const 0)))
