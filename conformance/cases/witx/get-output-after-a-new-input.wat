;; What get_output returns after a new input was set, but not computed.
;; source: wit-2023:125 "Note the expected sequence of calls: `set-input`, `compute`,
;; `get-output`."
;; unspecified
;; avoid: Read all outputs before the next set_input.

(func $case
  (call $computed)
  (i32.store offset=12 (i32.const $TENSOR) (i32.const $DATA_2))
  (call $set (i32.const 0))
  (call $show_output (i32.const 0)))
