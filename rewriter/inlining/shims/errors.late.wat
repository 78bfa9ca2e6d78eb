;; Errors of the shim's own: see errors.early.wat.

(func $error_data (param $handle i32) (param $area i32) (local $error i32)
  local.get $area  call $check_area
  local.get $handle  call $error_is_own  i32.eqz
  if $hosts  local.get $handle  local.get $area  call $host_error_data  return  end
  local.get $handle  call $error_link  i32.load offset=0  local.tee $error
  i32.load offset=8  local.get $error  i32.load offset=12  local.get $area  call $give)

(func $error_made (param $code i32) (param $text i32) (param $length i32) (result i32)
  local.get $code  i32.const $LAST_ERROR_CODE  i32.gt_u  if $unknown  unreachable  end
  local.get $text  local.get $length  call $check_text
  local.get $code  local.get $text  local.get $length  call $copied  local.get $length
  call $error_new)
