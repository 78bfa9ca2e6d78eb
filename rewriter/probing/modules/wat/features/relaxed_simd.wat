;; Vector instructions whose results may differ from machine to machine.
(func $feature
  (drop (f32x4.relaxed_madd
    (v128.const f32x4 1 2 3 4) (v128.const f32x4 1 2 3 4) (v128.const f32x4 1 2 3 4))))
