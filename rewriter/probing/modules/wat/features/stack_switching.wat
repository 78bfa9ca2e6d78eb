;; A continuation.
(type $nothing (func))
(type $later (cont $nothing))
(elem declare func $called)
(func $called (type $nothing))
(func $feature (resume $later (cont.new $later (ref.func $called))))
