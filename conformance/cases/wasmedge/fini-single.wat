;; A model without streaming has no stream to end.
;; source: wasmedge:681 "[WASI-NN] fini_single: Only GGML and BitNet backend supports fini_single."
;; expect: fini_single=error:1
;; avoid: Call the *_single functions only for language models.

(func $case
  (call $ready)
  (call $number (i32.const "fini_single") (call $fini_single (call $context))))
