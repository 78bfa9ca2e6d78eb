;; A target that the header does not name is an error.
;; source: wamr-types:168 "typedef enum WASI_NN_NAME(execution_target) {"
;; source: wamr-types:43 "WASI_NN_ERROR_NAME(invalid_argument),"
;; expect: load=error:1
;; avoid: Pass only targets 0 to 2.

(func $case
  (call $number (i32.const "load")
    (call $load (i32.const $BASE_ARRAY) (i32.const $ENCODING) (i32.const 9) (i32.const $GRAPH))))
