;; A type of garbage collection that nothing makes a value of.
(type $pair (struct (field i32) (field i32)))
(func $feature)
