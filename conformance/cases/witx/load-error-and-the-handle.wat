;; Whether a failed load writes a handle.
;; source: witx:65 "(result $error (expected $graph (error $nn_errno)))"
;; unspecified
;; avoid: Check the errno before using the handle.

(func $case
  (i32.store offset=4 (i32.const $BASE) (i32.div_u (i32.const $BASE_0_LEN) (i32.const 2)))
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH)))
  (call $bytes (i32.const "handle") (i32.const $GRAPH) (i32.const 4)))
