;; A tensor's data consists of bytes, so it can be at any address.
;; source: witx:29 "(typename $tensor_data (list u8))"
;; expect: get_output=0 out=f32:2,3,4,5
;; avoid: If a host fails here, align data as its type requires.

(func $case
  (call $opened)
  (i32.store offset=1 (i32.const $DATA_2) (i32.load (i32.const $DATA)))
  (i32.store offset=5 (i32.const $DATA_2) (i32.load offset=4 (i32.const $DATA)))
  (i32.store offset=9 (i32.const $DATA_2) (i32.load offset=8 (i32.const $DATA)))
  (i32.store offset=13 (i32.const $DATA_2) (i32.load offset=12 (i32.const $DATA)))
  (i32.store offset=12 (i32.const $TENSOR) (i32.add (i32.const $DATA_2) (i32.const 1)))
  (call $set (i32.const 0))
  (call $run)
  (call $show_output (i32.const 0)))
