;; The functions of late.wat's module that 0.2.0-rc-2024-08-19 and older have: inputs are set, and
;; outputs are read, one at a time.

(func $context (param $handle i32) (result i32)
  (i32.load $state offset=$ENTRY_VALUE
    (call $entry (local.get $handle) (i32.const $KIND_CONTEXT))))

(func (export "inference#[method]graph-execution-context.set-input") (param $context i32)
    (param $name i32) (param $length i32) (param $tensor i32) (param $area i32)
  (local $value i32) (local $entry i32) (local $answer i64)
  (call $enter)
  (local.set $value (call $context (local.get $context)))
  (call $list (local.get $name) (local.get $length) (i64.const 1) (i32.const 1))
  (local.set $entry (call $entry (local.get $tensor) (i32.const $KIND_TENSOR)))
  (call $list (local.get $area) (i32.const 1) (i64.const 8) (i32.const 4))
  (call $show_memory)
  (i32.store $state (local.get $entry) (i32.const $KIND_TAKEN))
  (local.set $answer (call $answered (call $host_set_input (global.get $caller) (local.get $value)
    (local.get $name) (local.get $length) (local.get $entry))))
  (call $release_block (local.get $entry))
  (call $result (local.get $area) (local.get $answer)))

(func (export "inference#[method]graph-execution-context.compute") (param $context i32)
    (param $area i32)
  (local $value i32)
  (call $enter)
  (local.set $value (call $context (local.get $context)))
  (call $list (local.get $area) (i32.const 1) (i64.const 8) (i32.const 4))
  (call $result (local.get $area) (call $host_run (global.get $caller) (local.get $value))))

(func (export "inference#[method]graph-execution-context.get-output") (param $context i32)
    (param $name i32) (param $length i32) (param $area i32)
  (local $value i32)
  (call $enter)
  (local.set $value (call $context (local.get $context)))
  (call $list (local.get $name) (local.get $length) (i64.const 1) (i32.const 1))
  (call $list (local.get $area) (i32.const 1) (i64.const 8) (i32.const 4))
  (call $show_memory)
  (call $result (local.get $area)
    (call $host_get_output
      (global.get $caller) (local.get $value) (local.get $name) (local.get $length))))
