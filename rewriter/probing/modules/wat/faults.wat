;; One function per mistake, with its name in profiles. A process ends with the first mistake that
;; the host accepts, because later answers would mean nothing.
(func $answer (param $errno i32) (result i32)
  (call $tell (i32.const "errno") (local.get $errno))
  (i32.eqz (local.get $errno)))

(func $load_garbage (result i32)
  (call $answer (call $load_model (i32.const $GARBAGE) (i32.const $ENCODING) (i32.const 0))))
(func $load_builders (result i32)
  (call $answer (call $load_model (i32.const $PARTED) (i32.const $ENCODING) (i32.const 0))))
(func $load_encoding (result i32)
  (call $answer (call $load_model (i32.const $MODEL) (i32.const 77) (i32.const 0))))
(func $load_target (result i32)
  (call $answer (call $load_model (i32.const $MODEL) (i32.const $ENCODING) (i32.const 77))))
(func $load_pointer (result i32)
  (call $answer (call $load_model (i32.const $OUTSIDE) (i32.const $ENCODING) (i32.const 0))))

(func $init_graph (result i32)
  (call $answer (call $init_context (i32.const $UNKNOWN) (i32.const $OTHER))))
(func $init_result (result i32)
  (call $answer (call $init_context (i32.load (i32.const $GRAPH)) (i32.const -4))))

(func $put_base
  (param $context i32) (param $index i32) (param $type i32) (param $dims i32) (param $data i32)
  (param $length i32) (result i32)
  (call $answer
    (call $set
      (local.get $context) (local.get $index) (local.get $type) (local.get $dims)
      (local.get $data) (local.get $length))))
(func $input_context (result i32)
  (call $put_base
    (i32.const $UNKNOWN) (i32.const 0) (i32.const $TYPE) (i32.const $DIMS) (i32.const $DATA)
    (i32.const $LENGTH)))
(func $input_index (result i32)
  (call $put_base
    (call $context) (i32.const 9) (i32.const $TYPE) (i32.const $DIMS) (i32.const $DATA)
    (i32.const $LENGTH)))
(func $input_type (result i32)
  (call $put_base
    (call $context) (i32.const 0) (i32.const 77) (i32.const $DIMS) (i32.const $DATA)
    (i32.const $LENGTH)))
;; The same number of elements in another shape.
(func $input_shape (result i32)
  (call $put_base
    (call $context) (i32.const 0) (i32.const $TYPE) (i32.const $BACKWARDS) (i32.const $DATA)
    (i32.const $LENGTH)))
(func $input_short (result i32)
  (call $put_base
    (call $context) (i32.const 0) (i32.const $TYPE) (i32.const $DIMS) (i32.const $DATA)
    (i32.const 4)))
(func $input_pointer (result i32)
  (call $put_base
    (call $context) (i32.const 0) (i32.const $TYPE) (i32.const $DIMS) (i32.const -16)
    (i32.const $LENGTH)))
(func $input_tensor (result i32)
  (call $answer (call $set_input (call $context) (i32.const 0) (i32.const -16))))

(func $compute_context (result i32)
  (call $answer (call $compute (i32.const $UNKNOWN))))
(func $compute_first (result i32)
  (call $answer (call $compute (call $context))))

(func $output_first (result i32)
  (call $answer (call $fetch (i32.const 64))))
(func $output_context (result i32)
  (call $answer
    (call $get (i32.const $UNKNOWN) (i32.const 0) (i32.const $OUT) (i32.const 64))))
(func $output_index (result i32)
  (call $answer (call $get (call $context) (i32.const 9) (i32.const $OUT) (i32.const 64))))
(func $output_small (result i32)
  (call $answer (call $get (call $context) (i32.const 0) (i32.const $OUT) (i32.const 1))))
(func $output_pointer (result i32)
  (call $answer (call $get (call $context) (i32.const 0) (i32.const -16) (i32.const 64))))

