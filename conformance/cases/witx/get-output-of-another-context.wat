;; A context that has not been computed does not return the output of another context.
;; source: witx:57 "(typename $graph_execution_context (handle))"
;; expect: same=0

(func $case
  (call $computed)
  (call $init)
  (drop (call $get (i32.const 0) (i32.const 64)))
  (call $number (i32.const "same") (i32.eq (i32.load (i32.const $OUT)) (i32.const 0x40000000))))
