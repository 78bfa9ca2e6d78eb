;; A function can be imported twice.
;; source: witx:88 "(@interface func (export "compute")"
;; expect: compute=error compute=error

(import "wasi_ephemeral_nn" "compute" (func $again (param i32) (result i32)))
(func $case
  (call $load_base)
  (call $number (i32.const "compute") (call $compute (i32.const 99)))
  (call $number (i32.const "compute") (call $again (i32.const 99))))
