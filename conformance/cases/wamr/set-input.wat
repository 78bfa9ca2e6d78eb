;; A tensor is a pointer to its dimensions and their number, a type, and a pointer to its data.
;; source: wamr-types:112 "typedef struct {"
;; source: wamr-types:119 "WASI_NN_NAME(tensor_dimensions) * dimensions;"
;; expect: set_input=0 compute=0 get_output=0 out=f32:2,3,4,5

(func $case
  (call $opened)
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR)))
  (call $number (i32.const "compute") (call $compute (call $context)))
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 64)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 16)))
