;; The functions of late.wat's module that 0.2.0-rc-2024-10-28 has: compute takes and returns named
;; tensors.

(func (export "inference#[method]graph-execution-context.compute") (param $context i32)
    (param $inputs i32) (param $count i32) (param $area i32)
  (local $value i32) (local $taken i32) (local $answer i64)
  (call $enter)
  (local.set $value (i32.load $state offset=$ENTRY_VALUE
    (call $entry (local.get $context) (i32.const $KIND_CONTEXT))))
  (call $list (local.get $inputs) (local.get $count) (i64.const 12) (i32.const 4))
  (if (i32.gt_u (local.get $count) (i32.const $MOST_ENTRIES))
    (then (call $stop (i32.const $STOP_HANDLES) (i32.const $MOST_ENTRIES))))
  (call $list (local.get $area) (i32.const 1) (i64.const 12) (i32.const 4))
  (local.set $taken (call $taken (local.get $inputs) (local.get $count)))
  (call $show_memory)
  (local.set $answer (call $answered
    (call $host_compute (local.get $value) (local.get $taken) (local.get $count))))
  (call $drop (local.get $taken) (local.get $count))
  (if (i64.ge_u (local.get $answer) (i64.const 0x100000000))
    (then
      (i32.store8 $guest (local.get $area) (i32.const 1))
      (i32.store $guest offset=4 (local.get $area) (i32.wrap_i64 (local.get $answer))))
    (else (call $give_outputs (local.get $area) (i32.wrap_i64 (local.get $answer))))))

;; A block with the name and the entry of each input. The handles no longer exist.
(func $taken (param $inputs i32) (param $count i32) (result i32)
  (local $block i32) (local $to i32) (local $entry i32)
  (local.set $block (call $alloc
    (i64.mul (i64.extend_i32_u (local.get $count)) (i64.const $INPUT_SIZE))))
  (local.set $to (local.get $block))
  (block $done
    (loop $next
      (br_if $done (i32.eqz (local.get $count)))
      (call $inside (i32.load $guest (local.get $inputs))
        (i64.load32_u $guest offset=4 (local.get $inputs)))
      (local.set $entry
        (call $entry (i32.load $guest offset=8 (local.get $inputs)) (i32.const $KIND_TENSOR)))
      (i32.store $state (local.get $entry) (i32.const $KIND_TAKEN))
      (i64.store $state (local.get $to) (i64.load $guest (local.get $inputs)))
      (i32.store $state offset=$INPUT_ENTRY (local.get $to) (local.get $entry))
      (local.set $inputs (i32.add (local.get $inputs) (i32.const 12)))
      (local.set $to (i32.add (local.get $to) (i32.const $INPUT_SIZE)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br $next)))
  (local.get $block))

;; Free the inputs in a block of $taken, and the block.
(func $drop (param $block i32) (param $count i32)
  (local $left i32) (local $at i32)
  (local.set $left (local.get $count))
  (local.set $at (local.get $block))
  (block $done
    (loop $next
      (br_if $done (i32.eqz (local.get $left)))
      (call $release_block (i32.load $state offset=$INPUT_ENTRY (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const $INPUT_SIZE)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next)))
  (call $free (local.get $block)
    (i64.mul (i64.extend_i32_u (local.get $count)) (i64.const $INPUT_SIZE))))

;; Give the guest the outputs in a reply of the host's, and free the reply: its size, the number of
;; outputs, and of each output where its name is, the name's length, and the handle.
(func $give_outputs (param $area i32) (param $reply i32)
  (local $count i32) (local $list i32) (local $to i32) (local $from i32) (local $name i32)
  (local $length i32)
  (local.set $count (i32.load $state offset=$REPLY_COUNT (local.get $reply)))
  (local.set $list (call $realloc (local.get $count) (i32.const 12) (i32.const 4)))
  (local.set $to (local.get $list))
  (local.set $from (i32.add (local.get $reply) (i32.const $REPLY_SIZE)))
  (block $done
    (loop $next
      (br_if $done (i32.eqz (local.get $count)))
      (local.set $length (i32.load $state offset=4 (local.get $from)))
      (local.set $name (call $realloc (local.get $length) (i32.const 1) (i32.const 1)))
      (memory.copy $guest $state
        (local.get $name) (i32.load $state (local.get $from)) (local.get $length))
      (i32.store $guest (local.get $to) (local.get $name))
      (i32.store $guest offset=4 (local.get $to) (local.get $length))
      (i32.store $guest offset=8
        (local.get $to) (i32.load $state offset=8 (local.get $from)))
      (local.set $from (i32.add (local.get $from) (i32.const 12)))
      (local.set $to (i32.add (local.get $to) (i32.const 12)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br $next)))
  (i32.store8 $guest (local.get $area) (i32.const 0))
  (i32.store $guest offset=4 (local.get $area) (local.get $list))
  (i32.store $guest offset=8 (local.get $area)
    (i32.load $state offset=$REPLY_COUNT (local.get $reply)))
  (call $free (local.get $reply)
    (i64.load32_u $state offset=$REPLY_BYTES (local.get $reply))))
