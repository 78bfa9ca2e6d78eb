;; An output that the model does not have is an error.
;; source: witx:83 "(param $index u32)"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: get_output=error:1
;; avoid: Know the model's outputs; no function returns their number.

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 1) (i32.const 64))))
