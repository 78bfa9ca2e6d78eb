;; A graph for a TPU can be loaded or is an error; without a TPU, the host survives.
;; source: wit:85 "Define where the graph should be executed."
;; expect: load=any
;; avoid: Pass target 0 (CPU) by default.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 2)
      (i32.const $GRAPH))))
