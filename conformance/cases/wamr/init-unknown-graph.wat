;; A handle that load never returned is an error.
;; source: wamr-types:149 "typedef uint32_t WASI_NN_NAME(graph);"
;; source: wamr-types:43 "WASI_NN_ERROR_NAME(invalid_argument),"
;; expect: init=error:1

(func $case
  (call $load_base)
  (call $number (i32.const "init")
    (call $init_execution_context (i32.const 99) (i32.const $CONTEXT))))
