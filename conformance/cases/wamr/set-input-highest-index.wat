;; The highest number is an error as an input index.
;; source: wamr:83 "(WASI_NN_NAME(graph_execution_context) ctx, uint32_t index,
;; WASI_NN_NAME(tensor) * tensor) WASI_NN_IMPORT("set_input");"
;; expect: set_input=error
;; avoid: Do not pass -1 as an index: a host that adds one to it reads out of bounds.

(func $case
  (call $opened)
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const -1) (i32.const $TENSOR))))
