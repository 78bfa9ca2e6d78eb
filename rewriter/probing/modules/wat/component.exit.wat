;; The function that ends a component with a code.
(import "wasi:cli/exit@0.2.12" (instance
  (export "exit-with-code" (func (param "status-code" u8)))))
