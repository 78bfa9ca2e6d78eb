;; A context whose inputs and outputs have functions of their own.
(export "[method]graph-execution-context.set-input" (func (param "self" (borrow $context))
  (param "name" string) (param "tensor" (own $tensor)) (result (result (error (own $error))))))
(export "[method]graph-execution-context.compute" (func (param "self" (borrow $context))
  (result (result (error (own $error))))))
(export "[method]graph-execution-context.get-output" (func (param "self" (borrow $context))
  (param "name" string) (result (result (own $tensor) (error (own $error))))))
