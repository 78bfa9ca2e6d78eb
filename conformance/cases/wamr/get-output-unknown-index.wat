;; An output that the model does not have is an error.
;; source: wamr:117 "(graph_execution_context ctx, uint32_t index, uint8_t *output_tensor, uint32_t
;; *output_tensor_size) WASI_NN_IMPORT("get_output");"
;; expect: get_output=error

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 1) (i32.const 64))))
