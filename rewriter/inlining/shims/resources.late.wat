;; A program whose tensors are resources and whose errors are numbers: see codes.late.wat.

(func $set_input
  (param $context i32) (param $name i32) (param $length i32) (param $tensor i32) (param $area i32)
  (local $copy i32)
  local.get $area  call $guest_second  drop
  local.get $name  local.get $length  call $copied  local.set $copy
  local.get $context  local.get $copy  local.get $length  local.get $tensor  i32.const $RESULT
  call $host_set_input
  local.get $copy  local.get $length  call $free_list
  local.get $area  call $answer)

(func $get_output (param $context i32) (param $name i32) (param $length i32) (param $area i32)
  local.get $context  local.get $name  local.get $length  local.get $area  call $host_get_output
  local.get $area  call $number)
