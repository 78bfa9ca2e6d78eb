;; A tensor larger than the model's input is an error.
;; source: wit:22 "The array length matches the tensor rank and each element in the array describes
;; the size of each dimension"
;; source: wit:132 "Caller module passed an invalid argument."
;; expect: set_input=error:1
;; avoid: Crop or scale the data to what the model accepts.

(func $case
  (call $opened)
  (i32.store offset=12 (i32.const $DIMS) (i32.const 5))
  (i32.store offset=16 (i32.const $TENSOR) (i32.const 20))
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
