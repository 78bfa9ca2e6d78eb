;; Around a file of features/: one that runs ends with the exit code $CODE where exit codes are known
;; to come through ($BY_CODE), and prints a line of answers where not.
(data ($ADDRESS.const $IOV) $VECTOR)
(data ($ADDRESS.const $LINE) $MARKED)
(func (export "_start")
  (call $feature)
  (if (i32.const $BY_CODE)
    (then (call $proc_exit (i32.const $CODE)))
    (else
      (drop (call $fd_write
        (i32.const 1) (i32.const $IOV) (i32.const 1) (i32.add (i32.const $IOV) (i32.const 8)))))))
