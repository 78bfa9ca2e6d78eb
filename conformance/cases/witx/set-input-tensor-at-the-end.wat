;; A tensor's structure that ends at the end of memory can be read.
;; source: witx:31 "(record"
;; expect: set_input=0

(func $case
  (call $opened)
  (i32.store (i32.sub (i32.const $END) (i32.const 20)) (i32.const $DIMS))
  (i32.store (i32.sub (i32.const $END) (i32.const 16)) (i32.const 4))
  (i32.store (i32.sub (i32.const $END) (i32.const 12)) (i32.const 1))
  (i32.store (i32.sub (i32.const $END) (i32.const 8)) (i32.const $DATA))
  (i32.store (i32.sub (i32.const $END) (i32.const 4)) (i32.const 16))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.sub (i32.const $END) (i32.const 20)))))
