;; Input 0 is the model's first and input 1 its second.
;; source: wamr:83 "(WASI_NN_NAME(graph_execution_context) ctx, uint32_t index,
;; WASI_NN_NAME(tensor) * tensor) WASI_NN_IMPORT("set_input");"
;; expect: get_output=0 out=f32:-9,-18,-27,-36

(func $case
  (call $two_ready)
  (call $run)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 64)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 16)))
