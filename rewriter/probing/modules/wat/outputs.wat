;; What get_output does with a buffer of the declared length `room`, which really is larger.
(func $try_room (param $room i32) (result i32)
  (call $tell (i32.const "errno") (call $fetch (local.get $room)))
  (call $tell (i32.const "written") (i32.load (i32.const $WRITTEN)))
  (call $tell (i32.const "extent") (call $extent))
  (call $tell (i32.const "agreeing") (call $agreeing (i32.const $EXPECTED) (i32.const $LENGTH)))
  (i32.const 0))
