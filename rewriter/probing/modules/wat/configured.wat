;; What load_by_name_with_config does with a configuration.
(import "$MODULE" "load_by_name" (func $load_by_name (param i32 i32 i32) (result i32)))
(import "$MODULE" "load_by_name_with_config"
  (func $load_configured (param i32 i32 i32 i32 i32) (result i32)))

(func $try_named (param $name i32) (param $length i32) (result i32)
  (call $tell (i32.const "named")
    (call $load_by_name (local.get $name) (local.get $length) (i32.const $OTHER)))
  (i32.const 1))

(func $try_configured
  (param $name i32) (param $length i32) (param $config i32) (param $size i32) (result i32)
  (call $tell (i32.const "configured")
    (call $load_configured
      (local.get $name) (local.get $length) (local.get $config) (local.get $size)
      (i32.const $OTHER)))
  (i32.const 1))
