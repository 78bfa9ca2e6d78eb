;; A type that describes another one.
(rec (type $described (descriptor $describing) (struct)) (type $describing (describes $described) (struct)))
(func $feature)
