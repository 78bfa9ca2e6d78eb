;; A buffer that extends beyond the end of memory is an error, or the output is copied if it fits
;; before the end; the host survives.
;; source: witx:85 "(param $out_buffer_max_size $buffer_size)"
;; expect: get_output=any
;; trap
;; avoid: Pass the buffer's real size.

(func $case
  (call $computed)
  (call $number (i32.const "get_output")
    (call $get_output
      (call $context) (i32.const 0) (i32.sub (i32.const $END) (i32.const 16)) (i32.const 17)
      (i32.const $WRITTEN))))
