;; A configuration that extends beyond the end of memory is an error.
;; source: wasmedge:231 "[WASI-NN] Failed when accessing the Config memory."
;; source: wasmedge-types:15 "InvalidArgument = 1, // Caller module passed an invalid argument."
;; expect: load_by_name_with_config=error:1
;; trap

(func $case
  (call $number (i32.const "load_by_name_with_config")
    (call $load_by_name_with_config (i32.const "base") (i32.const 4)
      (i32.sub (i32.const $END) (i32.const 4)) (i32.const 8) (i32.const $GRAPH))))
