;; Weights in place of OpenVINO's description are an error.
;; source: wit:94 "This gets bundled up into an array of buffers because implementing backends may
;; encode their graph IR in parts (e.g., OpenVINO stores its IR and weights separately)."
;; encodings: openvino
;; expect: load=error
;; avoid: Pass the description first, and then the weights.

(func $case
  (i32.store (i32.const $BASE) (i32.const $BASE_1))
  (i32.store offset=4 (i32.const $BASE) (i32.const 4))
  (i32.store offset=8 (i32.const $BASE) (i32.const $BASE_0))
  (i32.store offset=12 (i32.const $BASE) (i32.const $BASE_0_LEN))
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
