;; An unknown name is an error, not_found.
;; source: wasmedge-env:327 "return WASINN::ErrNo::NotFound;"
;; expect: load_by_name_with_config=error:8

(func $case
  (call $number (i32.const "load_by_name_with_config")
    (call $load_by_name_with_config (i32.const "nowhere") (i32.const 7) (i32.const "{}")
      (i32.const 2) (i32.const $GRAPH))))
