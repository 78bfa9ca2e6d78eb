;; The host has a copy of the tensor's data when set_input returns: the guest can reuse that memory.
;; source: witx:78 "(param $tensor $tensor)"
;; expect: get_output=0 out=f32:2,3,4,5
;; avoid: If a host fails here, do not change a tensor's data until compute has returned.

(func $case
  (call $ready)
  (i32.store (i32.const $DATA) (i32.const 0))
  (i32.store offset=4 (i32.const $DATA) (i32.const 0))
  (i32.store offset=8 (i32.const $DATA) (i32.const 0))
  (i32.store offset=12 (i32.const $DATA) (i32.const 0))
  (call $run)
  (call $show_output (i32.const 0)))
