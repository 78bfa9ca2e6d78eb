;; An address for the handle that is not entirely inside memory is an error.
;; source: witx:69 "(result $error (expected $graph (error $nn_errno)))"
;; expect: load_by_name=error
;; trap

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "nowhere") (i32.const 7)
      (i32.sub (i32.const $END) (i32.const 2)))))
