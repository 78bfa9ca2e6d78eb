;; A model that gives no stream has none to end.
;; source: wasmedge:681 "[WASI-NN] fini_single: Only GGML and BitNet backend supports fini_single."
;; expect: fini_single=error:1
;; avoid: Call the *_single functions for language models alone.

(func $case
  (call $ready)
  (call $number (i32.const "fini_single") (call $fini_single (call $context))))
