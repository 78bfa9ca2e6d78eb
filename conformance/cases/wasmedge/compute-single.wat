;; A model without streaming cannot be computed step by step.
;; source: wasmedge:640 "[WASI-NN] compute_single: Only GGML and BitNet backend supports
;; compute_single."
;; expect: compute_single=error:1
;; avoid: Call the *_single functions only for language models.

(func $case
  (call $ready)
  (call $number (i32.const "compute_single") (call $compute_single (call $context))))
