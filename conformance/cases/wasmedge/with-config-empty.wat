;; An empty configuration is accepted: the named graph is loaded.
;; source: wasmedge-env:335 "Add config to the end of Builders if exists."
;; needs: graph
;; expect: load_by_name_with_config=0 init=0

(func $case
  (call $number (i32.const "load_by_name_with_config")
    (call $load_by_name_with_config (i32.const "base") (i32.const 4) (i32.const "") (i32.const 0)
      (i32.const $GRAPH)))
  (call $number (i32.const "init")
    (call $init_execution_context (call $graph) (i32.const $CONTEXT))))
