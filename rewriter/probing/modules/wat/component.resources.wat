;; wasi:nn without a version, whose tensors are resources and whose errors are numbers.
(import "wasi:nn/errors" (instance $errors
  (type $codes (enum "invalid-argument" "invalid-encoding" "timeout" "runtime-error"
    "unsupported-operation" "too-large" "not-found"))
  (export "error" (type $error (eq $codes)))))
(alias export $errors "error" (type $error))
(import "wasi:nn/tensor" (instance
  (export "tensor" (type $tensor (sub resource)))))
(import "wasi:nn/graph" (instance
  (alias outer 1 $error (type $other-error))
  (export "error" (type $error (eq $other-error)))
  (export "graph" (type $graph (sub resource)))
  (export "load-by-name" (func (param "name" string)
    (result (result (own $graph) (error $error)))))))
