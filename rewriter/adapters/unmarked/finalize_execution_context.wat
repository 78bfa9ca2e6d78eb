;; Success. The call, which is never reached, tells by the import that it goes to for which one the
;; adapter stands, and by its argument for which function: 0 is finalize_execution_context.
(func (param $context i32) (result i32)
  i32.const $SUCCESS  return
  i32.const 0  call $host)
