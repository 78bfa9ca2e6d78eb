;; A graph for a GPU can be loaded or is an error; without a GPU, the host survives.
;; source: wit:85 "Define where the graph should be executed."
;; expect: load=any
;; avoid: A host may silently use the CPU, or fail: try the GPU first and then the CPU.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 1)
      (i32.const $GRAPH))))
