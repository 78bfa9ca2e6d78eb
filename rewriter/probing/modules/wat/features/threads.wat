;; A shared memory, and an atomic instruction.
(memory (export "memory") 1 1 shared)
(func $feature (drop (i32.atomic.rmw.add (i32.const 128) (i32.const 1))))
