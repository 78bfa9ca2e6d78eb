;; The highest number is an error as an input index.
;; source: witx:77 "(param $index u32)"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1
;; avoid: Do not pass -1 as an index: a host that adds one to it reads out of bounds.

(func $case
  (call $opened)
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const -1) (i32.const $TENSOR))))
