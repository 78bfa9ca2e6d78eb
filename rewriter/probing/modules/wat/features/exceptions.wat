;; An exception, thrown and caught (try_table, of the specification's version 3).
(tag $thrown)
(func $feature (block $caught (try_table (catch_all $caught) (throw $thrown))))
