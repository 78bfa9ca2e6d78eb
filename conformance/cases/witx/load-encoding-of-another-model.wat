;; Bytes in another format than the encoding says are an error, whether the host has that encoding
;; or not.
;; source: readme:86 "The `load` method will return an error message when an unsupported model
;; encoding scheme is passed in."
;; expect: load=error

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE) (i32.const $BASE_COUNT) (i32.const 3) (i32.const 0)
      (i32.const $GRAPH))))
