;; Integers of 128 bits in two halves.
(func $feature
  (i64.add128 (i64.const 1) (i64.const 0) (i64.const 1) (i64.const 0))
  (drop)
  (drop))
