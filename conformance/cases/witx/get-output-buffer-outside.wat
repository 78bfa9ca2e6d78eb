;; A buffer that extends beyond the end of memory, and is too small for the output, is an error.
;; source: witx:84 "(param $out_buffer (@witx pointer u8))"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: get_output=error:1
;; trap

(func $case
  (call $computed)
  (call $number (i32.const "get_output")
    (call $get_output
      (call $context) (i32.const 0) (i32.sub (i32.const $END) (i32.const 8)) (i32.const 16)
      (i32.const $WRITTEN))))
