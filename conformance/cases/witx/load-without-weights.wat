;; OpenVINO's description of a model without the weights is an error.
;; source: wit:94 "This gets bundled up into an array of buffers because implementing backends may
;; encode their graph IR in parts (e.g., OpenVINO stores its IR and weights separately)."
;; encodings: openvino
;; expect: load=error
;; avoid: Pass both parts, the description first.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const 1) (i32.const $ENCODING) (i32.const 0)
      (i32.const $GRAPH))))
