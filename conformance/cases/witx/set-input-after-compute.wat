;; A context can be reused: another input gives another output.
;; source: wit:124 "Compute the inference on the given inputs."
;; expect: get_output=0 out=f32:11,21,31,41

(func $case
  (call $computed)
  (i32.store offset=12 (i32.const $TENSOR) (i32.const $DATA_2))
  (call $set (i32.const 0))
  (call $run)
  (call $show_output (i32.const 0)))
