;; Arithmetic where a constant stands.
(global $sum i32 (i32.add (i32.const 1) (i32.const 2)))
(func $feature (drop (global.get $sum)))
