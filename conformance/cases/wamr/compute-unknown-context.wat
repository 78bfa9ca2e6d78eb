;; A handle that init_execution_context never returned is an error.
;; source: wamr-types:175 "typedef uint32_t WASI_NN_NAME(graph_execution_context);"
;; source: wamr-types:43 "WASI_NN_ERROR_NAME(invalid_argument),"
;; expect: compute=error:1

(func $case
  (call $ready)
  (call $number (i32.const "compute") (call $compute (i32.const 99))))
