;; Encoding 6 is an error: the last in the specification for these functions is autodetect, 5.
;; source: wit:134 "Invalid encoding."
;; source: witx:47 "$autodetect"
;; expect: load=error:2
;; avoid: 5 and 6 mean different things on each host (WAMR: GGML, autodetect; WasmEdge: autodetect,
;; GGML). Name the format.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const 6) (i32.const 0)
      (i32.const $GRAPH))))
