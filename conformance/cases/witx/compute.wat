;; A context with its inputs is computed.
;; source: wit:124 "Compute the inference on the given inputs."
;; expect: compute=0

(func $case
  (call $ready)
  (call $number (i32.const "compute") (call $compute (call $context))))
