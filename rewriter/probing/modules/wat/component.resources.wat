;; wasi:nn without a version, whose tensors are resources.
(import "wasi:nn/tensor" (instance (export "tensor" (type (sub resource)))))
