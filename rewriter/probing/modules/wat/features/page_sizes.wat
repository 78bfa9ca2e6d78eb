;; A memory with pages of one byte.
(memory (export "memory") 256 (pagesize 1))
(func $feature (i32.store (i32.const 128) (i32.const 1)))
