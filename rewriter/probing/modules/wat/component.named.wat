;; A context whose function takes and returns named tensors.
(type $named (list (tuple string (own $tensor))))
(export "[method]graph-execution-context.compute" (func (param "self" (borrow $context))
  (param "inputs" $named) (result (result $named (error (own $error))))))
