;; A model and a tensor can be in memory that has just grown.
;; source: abi:38 "Regardless of the kind, all modules accessing WASI APIs also export a linear
;; memory with the name `memory`."
;; expect: get_output=0 out=f32:11,21,31,41

(func $case (local $at i32)
  (call $opened)
  (drop (memory.grow (i32.const 1)))
  (i32.store offset=12 (i32.const $TENSOR) (i32.const $END))
  (loop $next
    (i32.store8 (i32.add (i32.const $END) (local.get $at))
      (i32.load8_u (i32.add (i32.const $DATA_2) (local.get $at))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $at) (i32.const 16))))
  (call $set (i32.const 0))
  (call $run)
  (call $show_output (i32.const 0)))
