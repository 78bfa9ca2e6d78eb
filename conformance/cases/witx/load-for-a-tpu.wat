;; A graph for a TPU loads or is an error; where there is none, the host lives on.
;; source: wit:85 "Define where the graph should be executed."
;; expect: load=any
;; avoid: Pass target 0 (CPU) unless the user asked for another.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 2)
      (i32.const $GRAPH))))
