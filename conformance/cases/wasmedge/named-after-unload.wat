;; A named graph that has been unloaded can be loaded again.
;; source: wasmedge-env:381 "Evict the name cache so a later load_by_name reloads instead of
;; resolving to the dead handle"
;; needs: graph
;; expect: load_by_name=0 unload=0 load_by_name=0 init=0

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "base") (i32.const 4) (i32.const $GRAPH)))
  (call $number (i32.const "unload") (call $unload (call $graph)))
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "base") (i32.const 4) (i32.const $GRAPH)))
  (call $number (i32.const "init")
    (call $init_execution_context (call $graph) (i32.const $CONTEXT))))
