;; The frame for a file of features/. If it runs, the module exits with $CODE if exit codes are
;; available ($BY_CODE), and otherwise prints an answer.
(data ($ADDRESS.const $IOV) $VECTOR)
(data ($ADDRESS.const $LINE) $MARKED)
(func (export "_start")
  (call $feature)
  (if (i32.const $BY_CODE)
    (then (call $proc_exit (i32.const $CODE)))
    (else
      (drop (call $fd_write
        (i32.const 1) (i32.const $IOV) (i32.const 1) (i32.add (i32.const $IOV) (i32.const 8)))))))
