;; A call that is a return.
(func $ends (param i32) (result i32) (local.get 0))
(func $calls (result i32) (return_call $ends (i32.const 1)))
(func $feature (drop (call $calls)))
