;; For features that have no memory of their own.
(memory (export "memory") 1)
