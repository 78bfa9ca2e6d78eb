;; A function with two results.
(func $two (result i32 i32) (i32.const 1) (i32.const 2))
(func $feature (call $two) (drop) (drop))
