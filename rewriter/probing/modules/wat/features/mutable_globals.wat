;; A global that is exported and can be set.
(global $set (export "set") (mut i32) (i32.const 0))
(func $feature (global.set $set (i32.const 1)))
