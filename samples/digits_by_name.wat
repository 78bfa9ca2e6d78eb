;; Classifies one handwritten digit, a three, with a model that the host has loaded by name:
;;
;;     nnshim run -S nn-graph=onnx::samples/digits samples/digits_by_name.wat
;;
;; It imports wasi-nn as `wasi_nn`, in the ABI of the specification, prints the digit, and exits with
;; the errno of the first call that fails.
(module
  (import "wasi_nn" "load_by_name" (func $load_by_name (param i32 i32 i32) (result i32)))
  (import "wasi_nn" "init_execution_context"
    (func $init_execution_context (param i32 i32) (result i32)))
  (import "wasi_nn" "set_input" (func $set_input (param i32 i32 i32) (result i32)))
  (import "wasi_nn" "compute" (func $compute (param i32) (result i32)))
  (import "wasi_nn" "get_output" (func $get_output (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (memory (export "memory") 1)
  (data (i32.const 0x00) "digits")
  (global $graph i32 (i32.const 0x10))
  (global $context i32 (i32.const 0x14))
  (global $written i32 (i32.const 0x18))
  (data (i32.const 0x20) "\01\00\00\00\40\00\00\00")              ;; the shape: 1 by 64
  (data (i32.const 0x30)                                           ;; the tensor:
    "\20\00\00\00" "\02\00\00\00"                                  ;;   two dimensions at 0x20
    "\01\00\00\00"                                                 ;;   f32
    "\00\02\00\00" "\00\01\00\00")                                 ;;   256 bytes at 0x200
  (data (i32.const 0x50) "\60\00\00\00\02\00\00\00")              ;; what fd_write writes
  (data (i32.const 0x60) "?\0a")
  (data (i32.const 0x100)                                          ;; ink from 0 to 16
    "\00\00\08\0d\0c\03\00\00"
    "\00\06\0f\07\09\0c\00\00"
    "\00\00\00\00\07\0b\00\00"
    "\00\00\00\04\0f\03\00\00"
    "\00\00\00\0a\10\09\00\00"
    "\00\00\00\00\04\0f\07\00"
    "\00\00\0b\02\01\0f\07\00"
    "\00\00\08\10\10\0c\00\00")
  (global $ink i32 (i32.const 0x100))
  (global $pixels i32 (i32.const 0x200))
  (global $probabilities i32 (i32.const 0x300))

  (func $check (param $errno i32)
    (if (local.get $errno) (then (call $proc_exit (local.get $errno)))))

  ;; Brightness is ink / 16 as f32.
  (func $fill_pixels (local $i i32)
    (loop $next
      (f32.store
        (i32.add (global.get $pixels) (i32.shl (local.get $i) (i32.const 2)))
        (f32.div
          (f32.convert_i32_u (i32.load8_u (i32.add (global.get $ink) (local.get $i))))
          (f32.const 16)))
      (br_if $next
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64)))))

  (func $probability (param $digit i32) (result f32)
    (f32.load (i32.add (global.get $probabilities) (i32.shl (local.get $digit) (i32.const 2)))))

  (func $most_probable (result i32) (local $digit i32) (local $best i32)
    (loop $next
      (if (f32.gt (call $probability (local.get $digit)) (call $probability (local.get $best)))
        (then (local.set $best (local.get $digit))))
      (br_if $next
        (i32.lt_u (local.tee $digit (i32.add (local.get $digit) (i32.const 1))) (i32.const 10))))
    (local.get $best))

  (func (export "_start")
    (call $check (call $load_by_name (i32.const 0) (i32.const 6) (global.get $graph)))
    (call $check
      (call $init_execution_context (i32.load (global.get $graph)) (global.get $context)))
    (call $fill_pixels)
    (call $check (call $set_input (i32.load (global.get $context)) (i32.const 0) (i32.const 0x30)))
    (call $check (call $compute (i32.load (global.get $context))))
    (call $check
      (call $get_output (i32.load (global.get $context)) (i32.const 0)
        (global.get $probabilities) (i32.const 40) (global.get $written)))
    (i32.store8 (i32.const 0x60) (i32.add (i32.const 0x30) (call $most_probable)))
    (drop (call $fd_write (i32.const 1) (i32.const 0x50) (i32.const 1) (global.get $written)))))
