;; A tensor's structure that extends beyond the end of memory is an error.
;; source: witx:31 "(record"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1
;; trap

(func $case
  (call $opened)
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.sub (i32.const $END) (i32.const 16)))))
