;; An encoding above WAMR's last is an error.
;; source: wamr-types:164 "WASI_NN_ENCODING_NAME(unknown_backend),"
;; source: wamr-types:44 "WASI_NN_ERROR_NAME(invalid_encoding),"
;; expect: load=error:2

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE_ARRAY) (i32.const 99) (i32.const 0) (i32.const $GRAPH))))
