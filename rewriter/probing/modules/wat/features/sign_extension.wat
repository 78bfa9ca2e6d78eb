;; The sign of a byte, extended.
(func $feature (drop (i32.extend8_s (i32.const 255))))
