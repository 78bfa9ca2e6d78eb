;; How unload reacts to a graph that was never loaded.
(import "$MODULE" "unload" (func $unload (param i32) (result i32)))

(func $unload_graph (result i32)
  (local $errno i32)
  (local.set $errno (call $unload (i32.const $UNKNOWN)))
  (call $tell (i32.const "errno") (local.get $errno))
  (i32.eqz (local.get $errno)))
