;; Whether one builder too many for the format is an error.
;; source: wit:94 "This gets bundled up into an array of buffers because implementing backends may
;; encode their graph IR in parts (e.g., OpenVINO stores its IR and weights separately)."
;; unspecified
;; avoid: Pass the parts that the format has, and no others.

(func $case
  (i32.store offset=8 (i32.const $DIMS) (i32.const $OUT))
  (i32.store offset=12 (i32.const $DIMS) (i32.const 4))
  (i32.store offset=16 (i32.const $DIMS) (i32.const $OUT))
  (i32.store offset=20 (i32.const $DIMS) (i32.const 4))
  (i32.store (i32.const $DIMS) (i32.load (i32.const $BASE)))
  (i32.store offset=4 (i32.const $DIMS) (i32.load offset=4 (i32.const $BASE)))
  (call $number (i32.const "load")
    (call $load (i32.const $DIMS) (i32.add (i32.const $BASE_COUNT) (i32.const 1))
      (i32.const $ENCODING) (i32.const 0) (i32.const $GRAPH))))
