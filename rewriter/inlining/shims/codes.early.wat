;; Errors that are numbers, on a host whose errors are resources.

;; The number of a host's error, which is used up. Those that the program does not know are a
;; runtime error.
(func $code_of (param $error i32) (result i32) (local $code i32)
  local.get $error  call $host_error_code  local.set $code
  local.get $error  call $host_error_drop
  local.get $code  i32.const $LAST_NUMBER  i32.gt_u
  if $newer  i32.const $RUNTIME_ERROR  return  end
  local.get $code)
