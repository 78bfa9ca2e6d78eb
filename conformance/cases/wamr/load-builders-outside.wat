;; Builders that extend beyond the end of memory are an error.
;; source: wamr-types:143 "typedef struct { WASI_NN_NAME(graph_builder) * buf; uint32_t size; }
;; WASI_NN_NAME(graph_builder_array);"
;; source: wamr-types:43 "WASI_NN_ERROR_NAME(invalid_argument),"
;; expect: load=error:1
;; trap

(func $case
  (i32.store (i32.const $BASE_ARRAY) (i32.sub (i32.const $END) (i32.const 4)))
  (call $number (i32.const "load")
    (call $load (i32.const $BASE_ARRAY) (i32.const $ENCODING) (i32.const 0) (i32.const $GRAPH))))
