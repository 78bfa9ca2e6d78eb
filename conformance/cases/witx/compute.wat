;; A context whose inputs are set can be computed.
;; source: wit:124 "Compute the inference on the given inputs."
;; expect: compute=0

(func $case
  (call $ready)
  (call $number (i32.const "compute") (call $compute (call $context))))
