;; Whether a model loads under a number. Each trial has its own process: on some hosts, the first
;; model, even if it fails to load, decides which others can be loaded.
(import "$MODULE" "init_execution_context" (func $init_context (param i32 i32) (result i32)))

(func $try_encoding (param $array i32) (param $number i32) (result i32)
  (local $errno i32)
  (local.set $errno (call $load_model (local.get $array) (local.get $number) (i32.const 0)))
  (call $tell (i32.const "load") (local.get $errno))
  (if (i32.eqz (local.get $errno))
    (then
      (call $tell (i32.const "init")
        (call $init_context (i32.load (i32.const $GRAPH)) (i32.const $CONTEXT)))))
  (i32.const 1))
