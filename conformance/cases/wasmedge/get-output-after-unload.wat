;; An output that was computed before the graph was unloaded can still be read.
;; source: wasmedge-design:55 "get_output | Any | drains a live context regardless of its graph"
;; expect: unload=0 get_output=0 out=f32:2,3,4,5

(func $case
  (call $computed)
  (call $number (i32.const "unload") (call $unload (call $graph)))
  (call $show_output (i32.const 0)))
