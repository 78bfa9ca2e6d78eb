;; The function of late.wat's module that only 0.2.0-rc-2024-06-25 has: guests make errors.

(func (export "errors#[constructor]error") (param $code i32) (param $text i32)
    (param $length i32) (result i32)
  (local $entry i32)
  (call $enter)
  (call $enum (local.get $code) (i32.const $CODES))
  (call $list (local.get $text) (local.get $length) (i64.const 1) (i32.const 1))
  (call $show_memory)
  (call $host_check_text (global.get $caller) (local.get $text) (local.get $length))
  (local.set $entry (call $new_entry (i32.const $KIND_ERROR) (local.get $code)))
  (call $new_block (local.get $entry) (local.get $length) (i32.const 0))
  (memory.copy $state $guest
    (i32.load $state offset=$ENTRY_BLOCK (local.get $entry))
    (local.get $text) (local.get $length))
  (call $handle (local.get $entry)))
