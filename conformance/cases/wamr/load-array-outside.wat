;; A builder array whose structure extends beyond the end of memory is an error.
;; source: wamr-types:143 "typedef struct { WASI_NN_NAME(graph_builder) * buf; uint32_t size; }
;; WASI_NN_NAME(graph_builder_array);"
;; source: wamr-types:43 "WASI_NN_ERROR_NAME(invalid_argument),"
;; expect: load=error:1
;; trap

(func $case
  (call $number (i32.const "load")
    (call $load (i32.sub (i32.const $END) (i32.const 4)) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
