;; A context can be made for a loaded graph.
;; source: wit-2023:117 "Create an execution instance of a loaded graph."
;; expect: init=0

(func $case
  (call $load_base)
  (call $number (i32.const "init")
    (call $init_execution_context (call $graph) (i32.const $CONTEXT))))
