;; An output can be copied over the data of the input, and the next compute still has that input.
;; source: witx:84 "(param $out_buffer (@witx pointer u8))"
;; expect: get_output=0 compute=0 get_output=0 out=f32:2,3,4,5
;; avoid: If a host fails here, keep outputs and inputs in separate memory.

(func $case
  (call $computed)
  (call $number (i32.const "get_output")
    (call $get_output
      (call $context) (i32.const 0) (i32.const $DATA) (i32.const 16) (i32.const $WRITTEN)))
  (call $number (i32.const "compute") (call $compute (call $context)))
  (call $show_output (i32.const 0)))
