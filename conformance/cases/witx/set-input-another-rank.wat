;; Four elements in one dimension do not fit an input with four dimensions.
;; source: wit:22 "The array length matches the tensor rank and each element in the array describes
;; the size of each dimension"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1
;; avoid: Pass all dimensions that the model declares, even those of size 1.

(func $case
  (call $opened)
  (i32.store (i32.const $TENSOR) (i32.add (i32.const $DIMS) (i32.const 12)))
  (i32.store offset=4 (i32.const $TENSOR) (i32.const 1))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
