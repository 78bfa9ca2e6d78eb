;; Many bytes at once.
(func $feature (memory.fill (i32.const 128) (i32.const 1) (i32.const 16)))
