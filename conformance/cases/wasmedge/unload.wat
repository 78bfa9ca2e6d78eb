;; A graph can be unloaded.
;; source: wasmedge-env:366 "Detach the handle now; the payload destructor runs at the last
;; release, so unload never blocks behind a running compute."
;; expect: unload=0

(func $case
  (call $load_base)
  (call $number (i32.const "unload") (call $unload (call $graph))))
