;; A shared memory. Atomic instructions are another feature: some hosts read this one alone.
(memory (export "memory") 1 1 shared)
(func $feature (i32.store (i32.const 128) (i32.const 1)))
