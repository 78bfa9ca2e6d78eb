;; A memory with 64-bit addresses.
(memory (export "memory") i64 1)
(func $feature (i64.store (i64.const 128) (i64.const 1)))
