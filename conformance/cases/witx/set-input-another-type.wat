;; A tensor of integers for an input of floats is an error.
;; source: wit:53 "Describe the type of element in the tensor (e.g., `f32`)."
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1
;; avoid: Convert tensors to the model's own type.

(func $case
  (call $opened)
  (i32.store8 offset=8 (i32.const $TENSOR) (i32.const 4))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
