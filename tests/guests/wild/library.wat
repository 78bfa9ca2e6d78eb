;; Merged in front of a guest, so that the guest's memory is the second of two.
(module
  (memory (export "scratch") 1)
  (func (export "first_word") (result i32) (i32.load (i32.const 0))))
