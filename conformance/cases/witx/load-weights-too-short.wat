;; Weights that end before the description says are an error.
;; source: wit:94 "This gets bundled up into an array of buffers because implementing backends may
;; encode their graph IR in parts (e.g., OpenVINO stores its IR and weights separately)."
;; encodings: openvino
;; expect: load=error
;; avoid: Make sure that both files belong to the same model.

(func $case
  (i32.store offset=12 (i32.const $BASE) (i32.const 3))
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
