;; Address 0 is an ordinary address: a handle can be written there.
;; source: abi:39 "Data pointers in WASI API calls are relative to this memory's index space."
;; expect: load=0 init=0
;; avoid: Keep nothing at address 0, which a host may treat as a null pointer.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const $ENCODING) (i32.const 0)
      (i32.const 0)))
  (call $number (i32.const "init")
    (call $init_execution_context (i32.load (i32.const 0)) (i32.const $CONTEXT))))
