;; Whether a single value can be passed without dimensions.
;; source: wit:49 "To represent a tensor containing a single value, use `[1]` for the tensor
;; dimensions."
;; unspecified
;; avoid: Pass `[1]`.

(func $case
  (call $must (i32.const "load")
    (call $load (i32.const $SINGLE) (i32.const $SINGLE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $init)
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR))))
(data $tensor (offset (i32.const $TENSOR)) (u32 0 0 1 $DATA 4))
