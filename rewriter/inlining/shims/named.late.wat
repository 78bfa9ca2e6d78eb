;; Inputs and outputs by name, of a program whose tensors are records: see records.late.wat.

(func $set_input
  (param $context i32) (param $name i32) (param $length i32) (param $dimensions i32)
  (param $rank i32) (param $type i32) (param $data i32) (param $size i32) (param $area i32)
  (local $copy i32)
  local.get $name  local.get $length  call $copied  local.set $copy
  local.get $context  local.get $copy  local.get $length
  local.get $dimensions  local.get $rank  local.get $type  local.get $data  local.get $size
  local.get $area  call $set
  local.get $copy  local.get $length  call $free_list)

(func $get_output (param $context i32) (param $name i32) (param $length i32) (param $area i32)
  (local $copy i32)
  local.get $name  local.get $length  call $copied  local.set $copy
  local.get $context  local.get $copy  local.get $length  local.get $area  call $get
  local.get $copy  local.get $length  call $free_list)
