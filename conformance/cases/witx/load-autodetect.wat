;; Whether autodetect finds the format of a model.
;; source: witx:47 "$autodetect"
;; unspecified
;; avoid: Name the format; no two hosts agree on autodetect.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const 5) (i32.const 0)
      (i32.const $GRAPH))))
