;; A fence between atomic instructions.
(func $feature (atomic.fence))
