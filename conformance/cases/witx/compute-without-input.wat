;; What compute does if no input has been set.
;; source: wit-2023:125 "Note the expected sequence of calls: `set-input`, `compute`,
;; `get-output`."
;; unspecified
;; avoid: Set all inputs before compute; otherwise a host may compute with zeros, or with whatever
;; was in memory.

(func $case
  (call $opened)
  (call $number (i32.const "compute") (call $compute (call $context)))
  (call $show_output (i32.const 0)))
