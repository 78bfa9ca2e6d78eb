;; An input that the model does not have is an error.
;; source: witx:77 "(param $index u32)"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1
;; avoid: Know the model's inputs; no function returns their number.

(func $case
  (call $opened)
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 1) (i32.const $TENSOR))))
