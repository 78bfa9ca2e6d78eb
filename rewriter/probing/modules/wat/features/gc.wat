;; A structure of garbage collection.
(type $pair (struct (field i32) (field i32)))
(func $feature (drop (struct.get $pair 0 (struct.new $pair (i32.const 1) (i32.const 2)))))
