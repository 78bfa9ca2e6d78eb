;; What get_output returns before anything has been computed.
;; source: wit-2023:125 "Note the expected sequence of calls: `set-input`, `compute`,
;; `get-output`."
;; unspecified
;; avoid: Check the errno of compute before reading the output, which may contain anything.

(func $case
  (call $ready)
  (call $show_output (i32.const 0)))
