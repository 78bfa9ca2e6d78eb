;; If a buffer is too small, the required length is written.
;; source: wasmedge:469 "*BytesWritten = static_cast<uint32_t>(Res.data().size());"
;; expect: get_output=error:7 written=16
;; avoid: Rely on it only on WasmEdge.

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 4)))
  (call $number (i32.const "written") (i32.load (i32.const $WRITTEN))))
