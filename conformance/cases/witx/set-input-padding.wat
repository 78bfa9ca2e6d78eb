;; The type is one byte: the three bytes of padding after it do not matter.
;; source: witx:20 "(enum (@witx tag u8)"
;; expect: set_input=0
;; avoid: Set the four bytes of the type as one number; structures in Rust and C leave three of them
;; undefined.

(func $case
  (call $opened)
  (i32.store offset=8 (i32.const $TENSOR) (i32.const 0xffffff01))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
