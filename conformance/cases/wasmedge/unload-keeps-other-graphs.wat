;; Other graphs still work after one is unloaded.
;; source: wasmedge-env:366 "Detach the handle now; the payload destructor runs at the last
;; release, so unload never blocks behind a running compute."
;; expect: unload=0 init=0

(func $case
  (call $load_base)
  (i32.store (i32.const $GRAPH_2) (call $graph))
  (call $load_base)
  (call $number (i32.const "unload") (call $unload (call $graph_2)))
  (call $number (i32.const "init")
    (call $init_execution_context (call $graph) (i32.const $CONTEXT))))
