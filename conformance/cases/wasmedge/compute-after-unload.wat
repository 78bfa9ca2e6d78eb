;; A context of a graph that has been unloaded cannot be computed.
;; source: wasmedge-design:53 "compute / compute_single | Ready | needs a usable model"
;; expect: unload=0 compute=error:1
;; avoid: Unload a graph when its contexts are no longer used.

(func $case
  (call $ready)
  (call $number (i32.const "unload") (call $unload (call $graph)))
  (call $number (i32.const "compute") (call $compute (call $context))))
