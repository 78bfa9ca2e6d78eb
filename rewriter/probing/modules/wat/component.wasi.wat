;; The environment of WASI in one version.
(import "wasi:cli/environment@$VERSION" (instance
  (export "get-arguments" (func (result (list string))))))
