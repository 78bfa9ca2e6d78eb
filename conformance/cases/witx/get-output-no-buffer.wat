;; A null pointer with a size of 0 is an error if the output has bytes.
;; source: witx:85 "(param $out_buffer_max_size $buffer_size)"
;; source: witx:14 "$too_large"
;; expect: get_output=error:7

(func $case
  (call $computed)
  (call $number (i32.const "get_output")
    (call $get_output
      (call $context) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const $WRITTEN))))
