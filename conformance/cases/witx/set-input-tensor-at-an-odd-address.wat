;; A tensor's structure at an address that is not a multiple of four is accepted or is an error; the
;; host survives.
;; source: witx:31 "(record"
;; expect: set_input=any
;; trap
;; avoid: Give structures the alignment that a compiler gives them.

(func $case
  (call $opened)
  (i32.store offset=1 (i32.const $DATA_2) (i32.const $DIMS))
  (i32.store offset=5 (i32.const $DATA_2) (i32.const 4))
  (i32.store offset=9 (i32.const $DATA_2) (i32.const 1))
  (i32.store offset=13 (i32.const $DATA_2) (i32.const $DATA))
  (i32.store offset=17 (i32.const $DATA_2) (i32.const 16))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.add (i32.const $DATA_2) (i32.const 1)))))
