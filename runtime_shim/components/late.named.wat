;; The functions of late.wat's module that 0.2.0-rc-2024-10-28 has: compute takes and returns named
;; tensors.

(func (export "inference#[method]graph-execution-context.compute") (param $context i32)
    (param $inputs i32) (param $count i32) (param $area i32)
  (local $entry i32) (local $plan i32) (local $taken i32) (local $answer i64)
  (call $enter)
  (local.set $entry (call $entry (local.get $context) (i32.const $KIND_CONTEXT)))
  (call $list (local.get $inputs) (local.get $count) (i64.const 12) (i32.const 4))
  (if (i32.gt_u (local.get $count) (i32.const $MOST_ENTRIES))
    (then (call $stop (i32.const $STOP_HANDLES) (i32.const $MOST_ENTRIES))))
  (call $list (local.get $area) (i32.const 1) (i64.const 12) (i32.const 4))
  (local.set $taken (call $taken (local.get $inputs) (local.get $count)))
  (call $show_memory)
  (local.set $plan (i32.load $state offset=$ENTRY_BLOCK (local.get $entry)))
  (if (call $fits (local.get $plan) (local.get $taken) (local.get $count))
    (then
      (call $place (local.get $plan) (local.get $taken))
      (local.set $answer (call $answered
        (call $host_again
          (global.get $caller) (i32.load $state offset=$ENTRY_VALUE (local.get $entry)))))
      (call $drop (local.get $taken) (local.get $count))
      (if (i64.eqz (local.get $answer))
        (then
          (call $give_planned (local.get $area) (local.get $plan))
          (return))))
    (else
      (local.set $answer (call $answered
        (call $host_compute (global.get $caller)
          (i32.load $state offset=$ENTRY_VALUE (local.get $entry))
          (local.get $taken) (local.get $count))))
      (call $drop (local.get $taken) (local.get $count))))
  (if (i64.ge_u (local.get $answer) (i64.const 0x100000000))
    (then
      (i32.store8 $guest (local.get $area) (i32.const 1))
      (i32.store $guest offset=4 (local.get $area) (i32.wrap_i64 (local.get $answer))))
    (else (call $give_outputs (local.get $area) (i32.wrap_i64 (local.get $answer))))))

;; Whether inputs are like those of a context's plan: the host has written there where the NN
;; runtime reads them, if the guest has passed such inputs before. 0 is no plan.
(func $fits (param $plan i32) (param $input i32) (param $count i32) (result i32)
  (local $port i32)
  (if (i32.eqz (local.get $plan)) (then (return (i32.const 0))))
  (if (i32.ne (i32.load $state offset=$PLAN_INPUTS (local.get $plan)) (local.get $count))
    (then (return (i32.const 0))))
  (local.set $port (i32.add (local.get $plan) (i32.const $PLAN_SIZE)))
  (block $done
    (loop $next
      (br_if $done (i32.eqz (local.get $count)))
      (if (i32.eqz (call $is_port (local.get $port) (local.get $input)))
        (then (return (i32.const 0))))
      (local.set $port (i32.add (local.get $port) (i32.const $PORT_SIZE)))
      (local.set $input (i32.add (local.get $input) (i32.const $INPUT_SIZE)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br $next)))
  (i32.const 1))

;; Whether an input has the name, the type, the length and the dimensions of a port.
(func $is_port (param $port i32) (param $input i32) (result i32)
  (local $entry i32) (local $left i32) (local $a i32) (local $b i32)
  (local.set $entry (i32.load $state offset=$INPUT_ENTRY (local.get $input)))
  (local.set $left (i32.load $state offset=$PORT_NAME_LENGTH (local.get $port)))
  (if (i32.ne (i32.load $state offset=$INPUT_LENGTH (local.get $input)) (local.get $left))
    (then (return (i32.const 0))))
  (if (i32.ne (i32.load $state offset=$ENTRY_VALUE (local.get $entry))
              (i32.load $state offset=$PORT_TYPE (local.get $port)))
    (then (return (i32.const 0))))
  (if (i32.ne (i32.load $state offset=$ENTRY_LENGTH (local.get $entry))
              (i32.load $state offset=$PORT_LENGTH (local.get $port)))
    (then (return (i32.const 0))))
  (if (i32.ne (i32.load $state offset=$ENTRY_RANK (local.get $entry))
              (i32.load $state offset=$PORT_RANK (local.get $port)))
    (then (return (i32.const 0))))
  (local.set $a (i32.load $state offset=$INPUT_NAME (local.get $input)))
  (local.set $b (i32.load $state offset=$PORT_NAME (local.get $port)))
  (block $named
    (loop $next
      (br_if $named (i32.eqz (local.get $left)))
      (if (i32.ne (i32.load8_u $guest (local.get $a)) (i32.load8_u $state (local.get $b)))
        (then (return (i32.const 0))))
      (local.set $a (i32.add (local.get $a) (i32.const 1)))
      (local.set $b (i32.add (local.get $b) (i32.const 1)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next)))
  (local.set $left (i32.load $state offset=$PORT_RANK (local.get $port)))
  (local.set $a (call $dimensions_of (local.get $entry)))
  (local.set $b (i32.load $state offset=$PORT_DIMENSIONS (local.get $port)))
  (loop $next
    (if (i32.eqz (local.get $left)) (then (return (i32.const 1))))
    (if (i32.ne (i32.load $state (local.get $a)) (i32.load $state (local.get $b)))
      (then (return (i32.const 0))))
    (local.set $a (i32.add (local.get $a) (i32.const 4)))
    (local.set $b (i32.add (local.get $b) (i32.const 4)))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br $next))
  unreachable)

;; Copy inputs to where the NN runtime reads them.
(func $place (param $plan i32) (param $input i32)
  (local $port i32) (local $left i32)
  (local.set $left (i32.load $state offset=$PLAN_INPUTS (local.get $plan)))
  (local.set $port (i32.add (local.get $plan) (i32.const $PLAN_SIZE)))
  (block $done
    (loop $next
      (br_if $done (i32.eqz (local.get $left)))
      (memory.copy $state $state
        (i32.load $state offset=$PORT_PLACE (local.get $port))
        (i32.load $state offset=$ENTRY_BLOCK
          (i32.load $state offset=$INPUT_ENTRY (local.get $input)))
        (i32.load $state offset=$PORT_LENGTH (local.get $port)))
      (local.set $port (i32.add (local.get $port) (i32.const $PORT_SIZE)))
      (local.set $input (i32.add (local.get $input) (i32.const $INPUT_SIZE)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next))))

;; Give the guest the outputs from where the NN runtime writes them.
(func $give_planned (param $area i32) (param $plan i32)
  (local $port i32) (local $left i32) (local $list i32) (local $to i32)
  (local.set $left (i32.load $state offset=$PLAN_OUTPUTS (local.get $plan)))
  (local.set $list (call $realloc (local.get $left) (i32.const 12) (i32.const 4)))
  (local.set $to (local.get $list))
  (local.set $port (i32.add
    (i32.add (local.get $plan) (i32.const $PLAN_SIZE))
    (i32.mul
      (i32.load $state offset=$PLAN_INPUTS (local.get $plan)) (i32.const $PORT_SIZE))))
  (block $done
    (loop $next
      (br_if $done (i32.eqz (local.get $left)))
      (call $give_output (local.get $port) (local.get $to))
      (local.set $port (i32.add (local.get $port) (i32.const $PORT_SIZE)))
      (local.set $to (i32.add (local.get $to) (i32.const 12)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next)))
  (i32.store8 $guest (local.get $area) (i32.const 0))
  (i32.store $guest offset=4 (local.get $area) (local.get $list))
  (i32.store $guest offset=8 (local.get $area)
    (i32.load $state offset=$PLAN_OUTPUTS (local.get $plan))))

;; Make a tensor of an output, and write its name and handle into the guest's list.
(func $give_output (param $port i32) (param $to i32)
  (local $entry i32)
  (call $give (local.get $to)
    (i32.load $state offset=$PORT_NAME (local.get $port))
    (i32.load $state offset=$PORT_NAME_LENGTH (local.get $port)) (i32.const 1))
  (local.set $entry (call $new_entry
    (i32.const $KIND_TENSOR) (i32.load $state offset=$PORT_TYPE (local.get $port))))
  (call $new_block (local.get $entry)
    (i32.load $state offset=$PORT_LENGTH (local.get $port))
    (i32.load $state offset=$PORT_RANK (local.get $port)))
  (memory.copy $state $state
    (i32.load $state offset=$ENTRY_BLOCK (local.get $entry))
    (i32.load $state offset=$PORT_PLACE (local.get $port))
    (i32.load $state offset=$PORT_LENGTH (local.get $port)))
  (memory.copy $state $state
    (call $dimensions_of (local.get $entry))
    (i32.load $state offset=$PORT_DIMENSIONS (local.get $port))
    (i32.shl (i32.load $state offset=$PORT_RANK (local.get $port)) (i32.const 2)))
  (i32.store $guest offset=8 (local.get $to) (call $handle (local.get $entry))))

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
