;; The type is one byte: the three bytes of padding after it do not matter.
;; source: wamr-types:122 "uint8_t type; uint8_t _pad[3];"
;; expect: set_input=0
;; avoid: Set the four bytes of the type as one number: releases before 2.4.0 read all four.

(func $case
  (call $opened)
  (i32.store offset=4 (i32.const $TENSOR) (i32.const 0xffffff01))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
