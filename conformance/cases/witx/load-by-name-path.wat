;; Whether a path on the machine is accepted as a name.
;; source: wit:103 "How the host expects the names to be passed and how it stores the graphs for
;; retrieval via this function is **implementation-specific**."
;; unspecified
;; avoid: Do not take names from users: a host that uses them as paths can read any file on the
;; machine.

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "/etc/passwd") (i32.const 11) (i32.const $GRAPH))))
