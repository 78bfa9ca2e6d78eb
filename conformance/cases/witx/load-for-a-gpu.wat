;; A graph for a GPU loads or is an error; where there is none, the host lives on.
;; source: wit:85 "Define where the graph should be executed."
;; expect: load=any
;; avoid: A host may take the CPU without a word, or fail: try the GPU first and the CPU then.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 1)
      (i32.const $GRAPH))))
