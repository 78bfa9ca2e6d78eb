;; A table with 64-bit indices.
(table $wide i64 1 funcref)
(func $feature (drop (table.get $wide (i64.const 0))))
