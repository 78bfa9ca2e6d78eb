;; A model without streaming has no single outputs.
;; source: wasmedge:558 "[WASI-NN] get_output_single: Only GGML and BitNet backend supports
;; get_output_single."
;; expect: get_output_single=error:1 out=aa*4
;; avoid: Call the *_single functions only for language models.

(func $case
  (call $computed)
  (call $number (i32.const "get_output_single")
    (call $get_output_single
      (call $context) (i32.const 0) (i32.const $OUT) (i32.const 64) (i32.const $WRITTEN)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 4)))
