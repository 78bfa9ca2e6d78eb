;; The host has the tensor's data when set_input returns: the guest can use that memory again.
;; source: witx:78 "(param $tensor $tensor)"
;; expect: get_output=0 written=16 out=f32:2,3,4,5
;; avoid: Where a host fails here, leave a tensor's data as it is until compute has returned.

(func $case
  (call $ready)
  (i32.store (i32.const $DATA) (i32.const 0))
  (i32.store offset=4 (i32.const $DATA) (i32.const 0))
  (i32.store offset=8 (i32.const $DATA) (i32.const 0))
  (i32.store offset=12 (i32.const $DATA) (i32.const 0))
  (call $run)
  (call $show_output (i32.const 0)))
