;; Asks a language model that the host has by name to continue a text, and prints what it adds:
;;
;;     nnshim run -S nn-graph=ggml::gemma samples/complete.wat gemma '{"n-predict": 12}' 'Paris is'
;;
;; The arguments are the model's name, its options in JSON (an empty argument for none), and the
;; prompt. It imports wasi-nn as `wasi_ephemeral_nn`, in the ABI of the specification. If a call
;; fails, it says which one on standard error, with the errno, and exits with 1. If that is because
;; the context is full, it first prints the text so far. Memory grows as arguments and text need it.
(module
  (import "wasi_ephemeral_nn" "load_by_name"
    (func $load_by_name (param i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "init_execution_context"
    (func $init_execution_context (param i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "set_input" (func $set_input (param i32 i32 i32) (result i32)))
  (import "wasi_ephemeral_nn" "compute" (func $compute (param i32) (result i32)))
  (import "wasi_ephemeral_nn" "get_output"
    (func $get_output (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (memory (export "memory") 1)

  (global $graph i32 (i32.const 0x00))
  (global $context i32 (i32.const 0x04))
  (global $size i32 (i32.const 0x08))                              ;; what a call wrote, or counted
  (global $argc i32 (i32.const 0x0c))
  (global $argv i32 (i32.const 0x10))                              ;; four pointers
  (global $shape i32 (i32.const 0x20))                             ;; of the tensor: its length
  (global $tensor i32 (i32.const 0x24))
  (data (i32.const 0x24)
    "\20\00\00\00" "\01\00\00\00"                                  ;; one dimension at 0x20
    "\03\00\00\00"                                                 ;; u8
    "\00\00\00\00" "\00\00\00\00")                                 ;; the text and its length
  (global $piece i32 (i32.const 0x38))                             ;; what fd_write writes
  (global $digits_end i32 (i32.const 0x50))                        ;; up to ten digits before it

  (global $line_end i32 (i32.const 0x060)) (data (i32.const 0x060) "\0a\00")
  (global $self i32 (i32.const 0x070)) (data (i32.const 0x070) "complete: \00")
  (global $returned i32 (i32.const 0x080)) (data (i32.const 0x080) " returned \00")
  (global $usage i32 (i32.const 0x090))
  (data (i32.const 0x090) "usage: complete NAME OPTIONS PROMPT\0a\00")
  (global $full i32 (i32.const 0x0c0)) (data (i32.const 0x0c0) "complete: out of memory\0a\00")
  (global $named i32 (i32.const 0x0e0)) (data (i32.const 0x0e0) "load_by_name\00")
  (global $begun i32 (i32.const 0x100)) (data (i32.const 0x100) "init_execution_context\00")
  (global $options i32 (i32.const 0x120)) (data (i32.const 0x120) "set_input 1 (the options)\00")
  (global $prompt i32 (i32.const 0x140)) (data (i32.const 0x140) "set_input 0 (the prompt)\00")
  (global $computed i32 (i32.const 0x160)) (data (i32.const 0x160) "compute\00")
  (global $output i32 (i32.const 0x170)) (data (i32.const 0x170) "get_output 0 (the text)\00")
  (global $written i32 (i32.const 0x190)) (data (i32.const 0x190) "fd_write\00")
  (global $counted i32 (i32.const 0x1a0)) (data (i32.const 0x1a0) "args_sizes_get\00")
  (global $given i32 (i32.const 0x1b0)) (data (i32.const 0x1b0) "args_get\00")
  (global $free (mut i32) (i32.const 0x1c0))                       ;; what is above is not used yet

  (global $too_large i32 (i32.const 7))
  (global $context_full i32 (i32.const 101))

  (func $length (param $text i32) (result i32) (local $end i32)
    (local.set $end (local.get $text))
    (block $found
      (loop $next
        (br_if $found (i32.eqz (i32.load8_u (local.get $end))))
        (local.set $end (i32.add (local.get $end) (i32.const 1)))
        (br $next)))
    (i32.sub (local.get $end) (local.get $text)))

  ;; The errno of fd_write. It may write a part at a time.
  (func $write (param $file i32) (param $text i32) (param $length i32) (result i32)
    (local $errno i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $length)))
        (i32.store (global.get $piece) (local.get $text))
        (i32.store offset=4 (global.get $piece) (local.get $length))
        (br_if $done
          (local.tee $errno
            (call $fd_write
              (local.get $file) (global.get $piece) (i32.const 1) (global.get $size))))
        (local.set $text (i32.add (local.get $text) (i32.load (global.get $size))))
        (local.set $length (i32.sub (local.get $length) (i32.load (global.get $size))))
        (br $next)))
    (local.get $errno))

  (func $say (param $text i32)
    (drop (call $write (i32.const 2) (local.get $text) (call $length (local.get $text)))))

  (func $say_number (param $number i32) (local $at i32)
    (local.set $at (global.get $digits_end))
    (loop $next
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 0x30) (i32.rem_u (local.get $number) (i32.const 10))))
      (br_if $next
        (local.tee $number (i32.div_u (local.get $number) (i32.const 10)))))
    (call $say (local.get $at)))

  (func $check (param $errno i32) (param $call i32)
    (if (local.get $errno)
      (then
        (call $say (global.get $self))
        (call $say (local.get $call))
        (call $say (global.get $returned))
        (call $say_number (local.get $errno))
        (call $say (global.get $line_end))
        (call $proc_exit (i32.const 1)))))

  ;; See to it that so many bytes are there from $free on.
  (func $reserve (param $size i32) (local $pages i64)
    (local.set $pages
      (i64.shr_u
        (i64.add
          (i64.add (i64.extend_i32_u (global.get $free)) (i64.extend_i32_u (local.get $size)))
          (i64.const 0xffff))
        (i64.const 16)))
    (if (i64.gt_u (local.get $pages) (i64.extend_i32_u (memory.size)))
      (then
        (if (i32.eq (i32.const -1)
              (memory.grow (i32.sub (i32.wrap_i64 (local.get $pages)) (memory.size))))
          (then
            (call $say (global.get $full))
            (call $proc_exit (i32.const 1)))))))

  (func $argument (param $index i32) (result i32)
    (i32.load (i32.add (global.get $argv) (i32.shl (local.get $index) (i32.const 2)))))

  (func $read_arguments
    (call $check
      (call $args_sizes_get (global.get $argc) (global.get $size)) (global.get $counted))
    (if (i32.ne (i32.load (global.get $argc)) (i32.const 4))
      (then
        (call $say (global.get $usage))
        (call $proc_exit (i32.const 2))))
    (call $reserve (i32.load (global.get $size)))
    (call $check (call $args_get (global.get $argv) (global.get $free)) (global.get $given))
    (global.set $free (i32.add (global.get $free) (i32.load (global.get $size)))))

  (func $feed (param $input i32) (param $text i32) (param $call i32) (local $length i32)
    (local.set $length (call $length (local.get $text)))
    (i32.store (global.get $shape) (local.get $length))
    (i32.store offset=12 (global.get $tensor) (local.get $text))
    (i32.store offset=16 (global.get $tensor) (local.get $length))
    (call $check
      (call $set_input
        (i32.load (global.get $context)) (local.get $input) (global.get $tensor))
      (local.get $call)))

  ;; Get the text to $free, and return its length. WasmEdge and WAMR write beyond a buffer that is
  ;; too small, so it has 1 MiB at first. Other hosts refuse, and may write how much they need; if
  ;; they do not, the room is doubled.
  (func $text (result i32) (local $room i32) (local $errno i32)
    (local.set $room (i32.const 0x100000))
    (loop $again
      (call $reserve (local.get $room))
      (i32.store (global.get $size) (i32.const 0))
      (local.set $errno
        (call $get_output
          (i32.load (global.get $context)) (i32.const 0)
          (global.get $free) (local.get $room) (global.get $size)))
      (if (i32.eq (local.get $errno) (global.get $too_large))
        (then
          (local.set $room
            (select
              (i32.load (global.get $size))
              (i32.shl (local.get $room) (i32.const 1))
              (i32.gt_u (i32.load (global.get $size)) (local.get $room))))
          (br_if $again (local.get $room)))))                      ;; doubled, it can be 0
    (call $check (local.get $errno) (global.get $output))
    (i32.load (global.get $size)))

  (func (export "_start") (local $errno i32)
    (call $read_arguments)
    (call $check
      (call $load_by_name
        (call $argument (i32.const 1)) (call $length (call $argument (i32.const 1)))
        (global.get $graph))
      (global.get $named))
    (call $check
      (call $init_execution_context (i32.load (global.get $graph)) (global.get $context))
      (global.get $begun))
    (if (i32.load8_u (call $argument (i32.const 2)))
      (then (call $feed (i32.const 1) (call $argument (i32.const 2)) (global.get $options))))
    (call $feed (i32.const 0) (call $argument (i32.const 3)) (global.get $prompt))
    (local.set $errno (call $compute (i32.load (global.get $context))))
    (if (i32.ne (local.get $errno) (global.get $context_full))
      (then (call $check (local.get $errno) (global.get $computed))))
    (call $check
      (call $write (i32.const 1) (global.get $free) (call $text)) (global.get $written))
    (call $check
      (call $write (i32.const 1) (global.get $line_end) (i32.const 1)) (global.get $written))
    (call $check (local.get $errno) (global.get $computed))))
