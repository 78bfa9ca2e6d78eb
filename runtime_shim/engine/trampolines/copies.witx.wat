;; set_input and get_output of witx's layout, for tensors that have an entry in the arena.
;;
;; They do the same as set_input and get_output in runtime_shim/abi/witx.py if those succeed, and
;; leave everything else to them. Change both together.
;; tests/runtime_shim/engine/test_fast_path.py compares the two.
(import "host" "set_input" (func $host_set_input (param i32 i32 i32) (result i32)))
(import "host" "get_output" (func $host_get_output (param i32 i32 i32 i32 i32) (result i32)))
(import "calls" "table" (table 2 2 funcref))
(import "guest" "memory" (memory $guest 0))
(import "arena" "memory" (memory $arena $PAGES $PAGES))

(func $set_input (param $context i32) (param $index i32) (param $tensor i32) (result i32)
  (local $entry i32)
  (local.set $entry (call $input_entry (local.get $context) (local.get $index)))
  (block $host
    (br_if $host (i32.eqz
      (call $is_of (local.get $entry) (local.get $context) (local.get $index))))
    (br_if $host (i32.eqz (call $inside (local.get $tensor) (i32.const $TENSOR_SIZE))))
    (br_if $host (i32.ne
      (i32.load8_u $guest offset=$TENSOR_TYPE (local.get $tensor))
      (i32.load $arena offset=$INPUT_TYPE (local.get $entry))))
    (br_if $host (i32.ne
      (i32.load $guest offset=$TENSOR_LENGTH (local.get $tensor))
      (i32.load $arena offset=$INPUT_LENGTH (local.get $entry))))
    (br_if $host (i32.eqz (call $same_shape
      (local.get $entry)
      (i32.load $guest offset=$TENSOR_DIMENSIONS (local.get $tensor))
      (i32.load $guest offset=$TENSOR_RANK (local.get $tensor)))))
    (br_if $host (i32.eqz (call $copied
      (local.get $entry) (i32.load $guest offset=$TENSOR_DATA (local.get $tensor)))))
    (return (i32.const 0)))
  (call $host_set_input (local.get $context) (local.get $index) (local.get $tensor)))

(func $get_output (param $context i32) (param $index i32) (param $out_buffer i32)
    (param $out_buffer_max_size i32) (param $written_out i32) (result i32)
  (local $entry i32) (local $size i32)
  (local.set $entry (call $output_entry (local.get $context) (local.get $index)))
  (block $host
    (br_if $host (i32.eqz
      (call $is_of (local.get $entry) (local.get $context) (local.get $index))))
    (local.set $size (i32.load $arena offset=$OUTPUT_LENGTH (local.get $entry)))
    (br_if $host (i32.gt_u (local.get $size) (local.get $out_buffer_max_size)))
    (br_if $host (i32.eqz
      (call $inside (local.get $out_buffer) (local.get $out_buffer_max_size))))
    (br_if $host (i32.eqz (call $inside (local.get $written_out) (i32.const $U32_SIZE))))
    (memory.copy $guest $arena
      (local.get $out_buffer)
      (i32.load $arena offset=$OUTPUT_BYTES (local.get $entry))
      (local.get $size))
    (i32.store $guest (local.get $written_out) (local.get $size))
    (return (i32.const 0)))
  (call $host_get_output (local.get $context) (local.get $index) (local.get $out_buffer)
    (local.get $out_buffer_max_size) (local.get $written_out)))
