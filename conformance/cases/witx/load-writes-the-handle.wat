;; The handle of a loaded graph is written at the address that the guest passes, in four bytes.
;; source: witx:65 "(result $error (expected $graph (error $nn_errno)))"
;; expect: changed=1 beside=238

(func $case
  (call $load_base)
  (call $number (i32.const "changed") (i32.ne (call $graph) (i32.const -0x11111112)))
  (call $number (i32.const "beside") (i32.load8_u (i32.const $CONTEXT))))
