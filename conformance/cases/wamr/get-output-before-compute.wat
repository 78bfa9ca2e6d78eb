;; What get_output returns before anything has been computed.
;; source: wamr:97 "@brief Extract the outputs after inference."
;; unspecified
;; avoid: Check the errno of compute before reading the output.

(func $case
  (call $ready)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 64)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 16)))
