;; The functions can be called from the start function.
;; source: abi:38 "Regardless of the kind, all modules accessing WASI APIs also export a linear
;; memory with the name `memory`."
;; unspecified
;; avoid: Call wasi-nn from _start or later.

(start $begin)
(func $begin
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
(func $case
  (call $number (i32.const "init")
    (call $init_execution_context (call $graph) (i32.const $CONTEXT))))
