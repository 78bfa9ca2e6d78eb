;; The streaming functions refuse a context that does not exist.
;; source: wasmedge-types:15 "InvalidArgument = 1, // Caller module passed an invalid argument."
;; expect: compute_single=error:1 get_output_single=error:1 fini_single=error:1

(func $case
  (call $number (i32.const "compute_single") (call $compute_single (i32.const 0)))
  (call $number (i32.const "get_output_single")
    (call $get_output_single (i32.const 0) (i32.const 0) (i32.const $OUT) (i32.const 64)
      (i32.const $WRITTEN)))
  (call $number (i32.const "fini_single") (call $fini_single (i32.const 0))))
