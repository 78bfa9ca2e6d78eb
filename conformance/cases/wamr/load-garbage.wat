;; Bytes that are not a model are an error.
;; source: wamr:46 "(WASI_NN_NAME(graph_builder_array) * builder, WASI_NN_NAME(graph_encoding)
;; encoding, WASI_NN_NAME(execution_target) target, WASI_NN_NAME(graph) * g)
;; WASI_NN_IMPORT("load");"
;; expect: load=error

(func $case
  (i32.store (i32.const $BASE) (i32.const $OUT))
  (i32.store offset=4 (i32.const $BASE) (i32.const 256))
  (call $number (i32.const "load")
    (call $load (i32.const $BASE_ARRAY) (i32.const $ENCODING) (i32.const 0) (i32.const $GRAPH))))
