;; An interface that nobody defines.
(import "nnprobe:nobody/defines-this@1.0.0" (instance (export "f" (func))))
