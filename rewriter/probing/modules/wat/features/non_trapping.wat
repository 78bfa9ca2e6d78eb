;; A float to an integer without a trap.
(func $feature (drop (i32.trunc_sat_f32_s (f32.const 1e20))))
