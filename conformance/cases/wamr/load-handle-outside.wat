;; An address for the handle that is not entirely inside memory is an error.
;; source: wamr:46 "(WASI_NN_NAME(graph_builder_array) * builder, WASI_NN_NAME(graph_encoding)
;; encoding, WASI_NN_NAME(execution_target) target, WASI_NN_NAME(graph) * g)
;; WASI_NN_IMPORT("load");"
;; source: wamr-types:43 "WASI_NN_ERROR_NAME(invalid_argument),"
;; expect: load=error:1
;; trap

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE_ARRAY) (i32.const $ENCODING) (i32.const 0)
      (i32.sub (i32.const $END) (i32.const 2)))))
