;; An address for the length of a single output that is not entirely inside memory is an error.
;; source: wasmedge:516 "[WASI-NN] Failed when accessing the BytesWritten memory."
;; source: wasmedge-types:15 "InvalidArgument = 1, // Caller module passed an invalid argument."
;; expect: get_output_single=error:1
;; trap

(func $case
  (call $computed)
  (call $number (i32.const "get_output_single")
    (call $get_output_single
      (call $context) (i32.const 0) (i32.const $OUT) (i32.const 64)
      (i32.sub (i32.const $END) (i32.const 2)))))
