;; How load_by_name treats a name depending on the byte after it, and a name outside the memory.
(import "$MODULE" "load_by_name" (func $load_by_name (param i32 i32 i32) (result i32)))
(import "$MODULE" "init_execution_context" (func $init_context (param i32 i32) (result i32)))

(func $try_name (param $name i32) (param $length i32) (result i32)
  (local $errno i32)
  (local.set $errno (call $load_by_name (local.get $name) (local.get $length) (i32.const $GRAPH)))
  (call $tell (i32.const "load") (local.get $errno))
  (if (local.get $errno) (then (return (i32.const 0))))
  (call $tell (i32.const "init")
    (call $init_context (i32.load (i32.const $GRAPH)) (i32.const $CONTEXT)))
  (i32.const 1))
