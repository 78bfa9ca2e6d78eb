;; After an unknown name, a model can still be loaded from bytes.
;; source: wit:144 "Graph not found."
;; expect: load_by_name=error load=0
;; avoid: Load from bytes first: a host may choose its backend at the first call of either
;; function.

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "nowhere") (i32.const 7) (i32.const $GRAPH)))
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
