;; Data that ends at the end of memory can be read.
;; source: witx:29 "(typename $tensor_data (list u8))"
;; expect: get_output=0 out=f32:1,1,1,1

(func $case
  (call $opened)
  (i32.store offset=12 (i32.const $TENSOR) (i32.sub (i32.const $END) (i32.const 16)))
  (call $set (i32.const 0))
  (call $run)
  (call $show_output (i32.const 0)))
