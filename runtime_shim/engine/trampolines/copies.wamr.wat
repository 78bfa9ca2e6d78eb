;; set_input and get_output of WAMR's layout, for tensors that have an entry in the arena. `$fits`
;; is in one of room.*.wat.
;;
;; They do the same as set_input and get_output in runtime_shim/abi/wamr.py if those succeed, and
;; leave everything else to them. Change both together.
;; tests/runtime_shim/engine/test_fast_path.py compares the two.
(import "host" "set_input" (func $host_set_input (param i32 i32 i32) (result i32)))
(import "host" "get_output" (func $host_get_output (param i32 i32 i32 i32) (result i32)))
(import "calls" "table" (table 2 2 funcref))
(import "guest" "memory" (memory $guest 0))
(import "arena" "memory" (memory $arena $PAGES $PAGES))

(func $set_input (param $context i32) (param $index i32) (param $tensor i32) (result i32)
  (local $entry i32) (local $dimensions i32)
  (local.set $entry (call $input_entry (local.get $context) (local.get $index)))
  (block $host
    (br_if $host (i32.eqz
      (call $is_of (local.get $entry) (local.get $context) (local.get $index))))
    (br_if $host (i32.eqz (call $inside (local.get $tensor) (i32.const $WAMR_TENSOR_SIZE))))
    (br_if $host (i32.ne
      (i32.load8_u $guest offset=$WAMR_TENSOR_TYPE (local.get $tensor))
      (i32.load $arena offset=$INPUT_TYPE (local.get $entry))))
    (local.set $dimensions (i32.load $guest offset=$WAMR_TENSOR_DIMENSIONS (local.get $tensor)))
    (br_if $host (i32.eqz
      (call $inside (local.get $dimensions) (i32.const $WAMR_DIMENSIONS_SIZE))))
    (br_if $host (i32.eqz (call $same_shape
      (local.get $entry)
      (i32.load $guest offset=$WAMR_DIMENSIONS_POINTER (local.get $dimensions))
      (i32.load $guest offset=$WAMR_DIMENSIONS_RANK (local.get $dimensions)))))
    (br_if $host (i32.eqz (call $copied
      (local.get $entry) (i32.load $guest offset=$WAMR_TENSOR_DATA (local.get $tensor)))))
    (return (i32.const 0)))
  (call $host_set_input (local.get $context) (local.get $index) (local.get $tensor)))

(func $get_output (param $context i32) (param $index i32) (param $out_buffer i32)
    (param $size_inout i32) (result i32)
  (local $entry i32) (local $size i32) (local $count i32)
  (local.set $entry (call $output_entry (local.get $context) (local.get $index)))
  (block $host
    (br_if $host (i32.eqz
      (call $is_of (local.get $entry) (local.get $context) (local.get $index))))
    (br_if $host (i32.eqz (call $inside (local.get $size_inout) (i32.const $U32_SIZE))))
    (local.set $size (i32.load $arena offset=$OUTPUT_LENGTH (local.get $entry)))
    (local.set $count (i32.div_u
      (i32.add (local.get $size) (i32.const $WAMR_OUTPUT_ROUND))
      (i32.const $WAMR_OUTPUT_UNIT)))
    (br_if $host (i32.eqz (call $fits
      (local.get $size) (local.get $count) (i32.load $guest (local.get $size_inout)))))
    (br_if $host (i32.eqz (call $inside (local.get $out_buffer) (local.get $size))))
    (memory.copy $guest $arena
      (local.get $out_buffer)
      (i32.load $arena offset=$OUTPUT_BYTES (local.get $entry))
      (local.get $size))
    (i32.store $guest (local.get $size_inout) (local.get $count))
    (return (i32.const 0)))
  (call $host_get_output (local.get $context) (local.get $index) (local.get $out_buffer)
    (local.get $size_inout)))
