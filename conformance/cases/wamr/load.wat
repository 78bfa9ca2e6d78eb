;; A model is loaded from a pointer to the builders and their number.
;; source: wamr-types:143 "typedef struct { WASI_NN_NAME(graph_builder) * buf; uint32_t size; }
;; WASI_NN_NAME(graph_builder_array);"
;; expect: load=0 init=0
;; avoid: Nothing works on a host without the encoding: for this ABI, WAMR has only TensorFlow Lite
;; since 2.4.0.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE_ARRAY) (i32.const $ENCODING) (i32.const 0) (i32.const $GRAPH)))
  (call $number (i32.const "init")
    (call $init_execution_context (call $graph) (i32.const $CONTEXT))))
