;; What get_output gives where nothing has been computed.
;; source: wit-2023:125 "Note the expected sequence of calls: `set-input`, `compute`,
;; `get-output`."
;; unspecified
;; avoid: Look at the errno of compute before the output: what is in it may be anything.

(func $case
  (call $ready)
  (call $show_output (i32.const 0)))
