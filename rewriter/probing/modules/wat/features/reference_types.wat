;; A table of references from outside.
(table $references 1 externref)
(func $feature (table.set $references (i32.const 0) (ref.null extern)))
