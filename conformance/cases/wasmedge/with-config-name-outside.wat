;; A name that extends beyond the end of memory is an error.
;; source: wasmedge:224 "[WASI-NN] Failed when accessing the Name memory."
;; source: wasmedge-types:15 "InvalidArgument = 1, // Caller module passed an invalid argument."
;; expect: load_by_name_with_config=error:1
;; trap

(func $case
  (call $number (i32.const "load_by_name_with_config")
    (call $load_by_name_with_config (i32.sub (i32.const $END) (i32.const 4)) (i32.const 8)
      (i32.const "{}") (i32.const 2) (i32.const $GRAPH))))
