;; The name of a graph that does not exist is an error.
;; source: wamr:51 "WASI_NN_ERROR_TYPE WASI_NN_NAME(load_by_name)"
;; expect: load_by_name=error
;; avoid: Load from bytes: releases before 2.4.0 lack the function for this ABI.

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "nowhere") (i32.const 7) (i32.const $GRAPH))))
