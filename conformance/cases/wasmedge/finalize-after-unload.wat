;; A context outlives its graph, and can still be finalized.
;; source: wasmedge-design:23 "A `Context` owns a `shared_ptr` to its parent `Graph`"
;; expect: unload=0 finalize=0

(func $case
  (call $opened)
  (call $number (i32.const "unload") (call $unload (call $graph)))
  (call $number (i32.const "finalize") (call $finalize_execution_context (call $context))))
