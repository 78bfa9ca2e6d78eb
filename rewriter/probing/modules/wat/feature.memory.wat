;; The memory for features that do not define one.
(memory (export "memory") 1)
