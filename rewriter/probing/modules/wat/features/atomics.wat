;; An atomic instruction on a memory that is not shared.
(func $feature (drop (i32.atomic.rmw.add (i32.const 128) (i32.const 1))))
