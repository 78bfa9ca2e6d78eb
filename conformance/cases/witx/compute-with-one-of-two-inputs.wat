;; What compute does if only one of two inputs has been set.
;; source: wit-2023:125 "Note the expected sequence of calls: `set-input`, `compute`,
;; `get-output`."
;; unspecified
;; avoid: Set all inputs before compute.

(func $case
  (call $load_two)
  (call $init)
  (call $set (i32.const 0))
  (call $number (i32.const "compute") (call $compute (call $context)))
  (call $show_output (i32.const 0)))
