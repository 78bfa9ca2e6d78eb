;; A component's core module that times its own calls of wasi:nn@0.2.0-rc-2024-10-28.
;;
;; Standard input has a header of 48 bytes, and the two files of an OpenVINO model with an input
;; called x. The header is u32: the sizes of both files, the size of the input, how often to call,
;; the number of dimensions, and the dimensions. Standard output gets three u64, in nanoseconds: all
;; inputs, all inferences, and all outputs. An input is made and dropped, and the bytes of an
;; output are read. An inference is an input, compute, and the bytes of the output.
(module
  (import "wasi:nn/tensor@0.2.0-rc-2024-10-28" "[constructor]tensor"
    (func $new (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi:nn/tensor@0.2.0-rc-2024-10-28" "[method]tensor.data" (func $data (param i32 i32)))
  (import "wasi:nn/tensor@0.2.0-rc-2024-10-28" "[resource-drop]tensor" (func $drop (param i32)))
  (import "wasi:nn/graph@0.2.0-rc-2024-10-28" "load" (func $load (param i32 i32 i32 i32 i32)))
  (import "wasi:nn/graph@0.2.0-rc-2024-10-28" "[method]graph.init-execution-context"
    (func $init (param i32 i32)))
  (import "wasi:nn/inference@0.2.0-rc-2024-10-28" "[method]graph-execution-context.compute"
    (func $compute (param i32 i32 i32 i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $now (result i64)))
  (import "wasi:cli/stdin@0.2.0" "get-stdin" (func $stdin (result i32)))
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read"
    (func $read (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))

  (memory (export "memory") 2)
  (data (i32.const 8) "x")
  (global $top (mut i32) (i32.const 1024))
  (global $header i32 (i32.const 1024))
  (global $input (mut i32) (i32.const 0))
  (global $context (mut i32) (i32.const 0))

  ;; Results of calls are at 64. All memory is one block that only ends later: what is read from
  ;; standard input lies there in one piece.
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $pages i32)
    (global.set $top (i32.and
      (i32.add (global.get $top) (i32.sub (local.get 2) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get 2))))
    (global.set $top (i32.add (global.get $top) (local.get 3)))
    (local.set $pages (i32.sub
      (i32.shr_u (i32.add (global.get $top) (i32.const 65535)) (i32.const 16)) (memory.size)))
    (if (i32.gt_s (local.get $pages) (i32.const 0))
      (then (if (i32.eq (memory.grow (i32.add (local.get $pages) (i32.const 16))) (i32.const -1))
        (then unreachable))))
    (i32.sub (global.get $top) (local.get 3)))

  (func $check (if (i32.load8_u (i32.const 64)) (then unreachable)))

  (func $field (param i32) (result i32)
    (i32.load (i32.add (global.get $header) (local.get 0))))

  (func $make (result i32)
    (call $new (i32.add (global.get $header) (i32.const 20)) (call $field (i32.const 16))
      (i32.const 1) (global.get $input) (call $field (i32.const 8))))

  ;; Infer, and return the handle of the output.
  (func $infer (result i32)
    (i32.store (i32.const 32) (i32.const 8))
    (i32.store (i32.const 36) (i32.const 1))
    (i32.store (i32.const 40) (call $make))
    (call $compute (global.get $context) (i32.const 32) (i32.const 1) (i32.const 64))
    (call $check)
    (i32.load offset=8 (i32.load (i32.const 68))))

  (func $start
    (local $stdin i32) (local $model i32)
    (local.set $stdin (call $stdin))
    (loop $more
      (call $read (local.get $stdin) (i64.const 1048576) (i32.const 64))
      (br_if $more (i32.eqz (i32.load8_u (i32.const 64)))))
    (local.set $model (i32.add (global.get $header) (i32.const 48)))
    (global.set $input
      (call $realloc (i32.const 0) (i32.const 0) (i32.const 64) (call $field (i32.const 8))))
    (i32.store (i32.const 32) (local.get $model))
    (i32.store (i32.const 36) (call $field (i32.const 0)))
    (i32.store (i32.const 40) (i32.add (local.get $model) (call $field (i32.const 0))))
    (i32.store (i32.const 44) (call $field (i32.const 4)))
    (call $load (i32.const 32) (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 64))
    (call $check)
    (call $init (i32.load (i32.const 68)) (i32.const 64))
    (call $check)
    (global.set $context (i32.load (i32.const 68))))

  (func (export "wasi:cli/run@0.2.0#run") (result i32)
    (local $left i32) (local $began i64) (local $top i32) (local $output i32)
    (call $start)
    (local.set $output (call $infer))
    (local.set $top (global.get $top))

    (local.set $left (call $field (i32.const 12)))
    (local.set $began (call $now))
    (loop $next
      (call $drop (call $make))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i64.store (i32.const 128) (i64.sub (call $now) (local.get $began)))

    (local.set $left (call $field (i32.const 12)))
    (local.set $began (call $now))
    (loop $next
      (call $drop (local.get $output))
      (local.set $output (call $infer))
      (call $data (local.get $output) (i32.const 64))
      (global.set $top (local.get $top))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i64.store (i32.const 136) (i64.sub (call $now) (local.get $began)))

    (local.set $left (call $field (i32.const 12)))
    (local.set $began (call $now))
    (loop $next
      (call $data (local.get $output) (i32.const 64))
      (global.set $top (local.get $top))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i64.store (i32.const 144) (i64.sub (call $now) (local.get $began)))

    (call $write (call $stdout) (i32.const 128) (i32.const 24) (i32.const 64))
    (i32.const 0)))
