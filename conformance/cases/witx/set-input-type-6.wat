;; Type 6, which is i64 among the types of components, is an error here.
;; source: witx:26 "$i64"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1
;; avoid: Use the numbers of the module's ABI: those of wasi:nn components have bf16 between f64 and
;; u8.

(func $case
  (call $opened)
  (i32.store8 offset=8 (i32.const $TENSOR) (i32.const 6))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
