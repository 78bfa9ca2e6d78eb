;; A graph that has been unloaded cannot make a context.
;; source: wasmedge-design:52 "init_execution_context | Ready | needs a usable model"
;; expect: unload=0 init=error:1

(func $case
  (call $load_base)
  (call $number (i32.const "unload") (call $unload (call $graph)))
  (call $number (i32.const "init")
    (call $init_execution_context (call $graph) (i32.const $CONTEXT))))
