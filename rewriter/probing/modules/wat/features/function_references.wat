;; A call of a typed reference.
(type $nothing (func))
(elem declare func $called)
(func $called (type $nothing))
(func $feature (call_ref $nothing (ref.func $called)))
