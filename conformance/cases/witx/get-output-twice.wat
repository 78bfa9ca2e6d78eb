;; An output can be read again.
;; source: wit-2023:129 "Extract the outputs after inference."
;; expect: get_output=0 written=16 out=f32:2,3,4,5 get_output=0 written=16 out=f32:2,3,4,5

(func $case
  (call $computed)
  (call $show_output (i32.const 0))
  (i32.store (i32.const $OUT) (i32.const 0))
  (call $show_output (i32.const 0)))
