;; A program whose tensors are records, and whose graphs and contexts are numbers: these are the
;; host's handles. See codes.late.wat.

;; The number of a tensor's type for the host: some programs know neither FP64, which is 2, nor I64.
(func $type (param $type i32) (result i32)
  local.get $type  i32.const $LAST_TYPE  i32.gt_u  if $unknown  unreachable  end
  local.get $type  local.get $type  i32.const 2  i32.ge_u  i32.const $LACKS_TYPES  i32.and  i32.add)

(func $set
  (param $context i32) (param $name i32) (param $length i32) (param $dimensions i32)
  (param $rank i32) (param $type i32) (param $data i32) (param $size i32) (param $area i32)
  local.get $area  call $guest_second  drop
  local.get $context  local.get $name  local.get $length
  local.get $dimensions  local.get $rank  local.get $type  call $type
  local.get $data  local.get $size  call $host_tensor_new
  i32.const $RESULT  call $host_set_input
  local.get $area  call $answer)

;; The bytes of the output's tensor.
(func $get (param $context i32) (param $name i32) (param $length i32) (param $area i32)
  (local $tensor i32)
  local.get $area  call $check_large_area
  local.get $context  local.get $name  local.get $length  i32.const $RESULT  call $host_get_output
  i32.const 0  i32.load offset=$RESULT_VALUE  local.set $tensor
  i32.const 0  i32.load8_u offset=$RESULT
  if $failed
    local.get $area  i32.const 4  i32.add  local.get $tensor  call $code_of  call $guest_store8
    local.get $area  i32.const 1  call $guest_store8
    return
  end
  local.get $tensor  local.get $area  i32.const 4  i32.add  call $host_tensor_data
  local.get $tensor  call $host_tensor_drop
  local.get $area  i32.const 0  call $guest_store8)
