;; An empty builder array is an error.
;; source: wamr-types:143 "typedef struct { WASI_NN_NAME(graph_builder) * buf; uint32_t size; }
;; WASI_NN_NAME(graph_builder_array);"
;; expect: load=error

(func $case
  (i32.store offset=4 (i32.const $BASE_ARRAY) (i32.const 0))
  (call $number (i32.const "load")
    (call $load (i32.const $BASE_ARRAY) (i32.const $ENCODING) (i32.const 0) (i32.const $GRAPH))))
