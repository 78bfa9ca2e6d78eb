;; The highest number is an error as an output index.
;; source: witx:83 "(param $index u32)"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: get_output=error:1
;; avoid: Do not pass -1 as an index: a host that adds one to it reads out of bounds.

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const -1) (i32.const 64))))
