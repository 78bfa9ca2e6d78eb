;; Whether a model loads under a number. One that does is the last of its process, because some
;; hosts hold few graphs.
(import "$MODULE" "init_execution_context" (func $init_context (param i32 i32) (result i32)))

(func $try_encoding (param $array i32) (param $number i32) (result i32)
  (local $errno i32)
  (local.set $errno (call $load_model (local.get $array) (local.get $number) (i32.const 0)))
  (call $tell (i32.const "load") (local.get $errno))
  (if (local.get $errno) (then (return (i32.const 0))))
  (call $tell (i32.const "init")
    (call $init_context (i32.load (i32.const $GRAPH)) (i32.const $CONTEXT)))
  (i32.const 1))
