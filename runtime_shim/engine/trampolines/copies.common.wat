;; The code for both layouts, after copies.LAYOUT.wat, which has the imports.
;; runtime_shim/host/shared_tensors.py writes the entries of the arena.
(export "memory" (memory $guest))
(elem (i32.const 0) func $set_input $get_output)

;; Whether a range is inside the guest's memory, which has pages of 64 KiB.
(func $inside (param $pointer i32) (param $length i32) (result i32)
  (i64.le_u
    (i64.add (i64.extend_i32_u (local.get $pointer)) (i64.extend_i32_u (local.get $length)))
    (i64.shl (i64.extend_i32_u (memory.size $guest)) (i64.const 16))))

;; The number of a tensor's entry.
(func $place (param $context i32) (param $index i32) (result i32)
  (i32.rem_u
    (i32.add (i32.mul (local.get $context) (i32.const $STEP)) (local.get $index))
    (i32.const $ENTRIES)))

(func $input_entry (param $context i32) (param $index i32) (result i32)
  (i32.mul (call $place (local.get $context) (local.get $index)) (i32.const $INPUT_SIZE)))

(func $output_entry (param $context i32) (param $index i32) (result i32)
  (i32.add
    (i32.const $OUTPUTS_AT)
    (i32.mul (call $place (local.get $context) (local.get $index)) (i32.const $OUTPUT_SIZE))))

;; Whether an entry belongs to a tensor. The context of empty entries is 0, which no context has.
(func $is_of (param $entry i32) (param $context i32) (param $index i32) (result i32)
  (i32.and
    (i32.ne (local.get $context) (i32.const 0))
    (i32.and
      (i32.eq (i32.load $arena offset=$ENTRY_CONTEXT (local.get $entry)) (local.get $context))
      (i32.eq (i32.load $arena offset=$ENTRY_INDEX (local.get $entry)) (local.get $index)))))

;; Whether the input of an entry has these dimensions.
(func $same_shape (param $entry i32) (param $dimensions i32) (param $rank i32) (result i32)
  (if (i32.ne (i32.load $arena offset=$INPUT_RANK (local.get $entry)) (local.get $rank))
    (then (return (i32.const 0))))
  (if (i32.eqz (call $inside
        (local.get $dimensions) (i32.mul (local.get $rank) (i32.const $U32_SIZE))))
    (then (return (i32.const 0))))
  (loop $next
    (if (i32.eqz (local.get $rank)) (then (return (i32.const 1))))
    (if (i32.eq (i32.load $guest (local.get $dimensions))
                (i32.load $arena offset=$INPUT_DIMENSIONS (local.get $entry)))
      (then
        (local.set $rank (i32.sub (local.get $rank) (i32.const 1)))
        (local.set $dimensions (i32.add (local.get $dimensions) (i32.const $U32_SIZE)))
        (local.set $entry (i32.add (local.get $entry) (i32.const $U32_SIZE)))
        (br $next))))
  (i32.const 0))

;; Copy an input from `data`, if that is inside the guest's memory.
(func $copied (param $entry i32) (param $data i32) (result i32)
  (local $size i32)
  (local.set $size (i32.load $arena offset=$INPUT_LENGTH (local.get $entry)))
  (if (i32.eqz (call $inside (local.get $data) (local.get $size)))
    (then (return (i32.const 0))))
  (memory.copy $arena $guest
    (i32.load $arena offset=$INPUT_BYTES (local.get $entry))
    (local.get $data) (local.get $size))
  (i32.const 1))
