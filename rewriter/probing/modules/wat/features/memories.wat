;; Two memories.
(memory (export "memory") 1)
(memory $second 1)
(func $feature (i32.store $second (i32.const 128) (i32.const 1)))
