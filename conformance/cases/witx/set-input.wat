;; A tensor of the model's type and dimensions is accepted.
;; source: wit-2023:120 "Define the inputs to use for inference."
;; expect: set_input=0

(func $case
  (call $opened)
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
