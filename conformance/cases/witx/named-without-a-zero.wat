;; A name ends where its length says, whatever comes after it.
;; source: witx:68 "(param $name string)"
;; needs: graph
;; expect: load_by_name=0
;; avoid: Put a zero after the name, outside of its length, for hosts that look for one.

(func $case
  (call $number (i32.const "load_by_name")
    (call $load_by_name (i32.const "baseball") (i32.const 4) (i32.const $GRAPH))))
