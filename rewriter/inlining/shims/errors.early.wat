;; Errors of the shim's own, beside those of the host. One is {next, code, text, length of text};
;; its handle is its address / 8 + $OWN_ERROR, which no handle of a host is.

(func $error_is_own (param $handle i32) (result i32)
  local.get $handle  i32.const $OWN_ERROR_BIT  i32.shr_u  i32.const 1  i32.eq)

;; What points to the error.
(func $error_link (param $handle i32) (result i32) (local $link i32) (local $error i32)
  i32.const $ERRORS  local.set $link
  loop $next
    local.get $link  i32.load offset=0  local.tee $error  i32.eqz  if $none  unreachable  end
    local.get $error  i32.const 3  i32.shr_u  i32.const $OWN_ERROR  i32.or
    local.get $handle  i32.eq  if $found  local.get $link  return  end
    local.get $error  local.set $link
    br $next
  end
  unreachable)

(func $error_new (param $code i32) (param $text i32) (param $length i32) (result i32)
  (local $error i32)
  i32.const 16  call $new  local.tee $error
  i32.const 0  i32.load offset=$ERRORS  i32.store offset=0
  local.get $error  local.get $code  i32.store offset=4
  local.get $error  local.get $text  i32.store offset=8
  local.get $error  local.get $length  i32.store offset=12
  i32.const 0  local.get $error  i32.store offset=$ERRORS
  local.get $error  i32.const 3  i32.shr_u  i32.const $OWN_ERROR  i32.or)

(func $error_code (param $handle i32) (result i32)
  local.get $handle  call $error_is_own
  if $own  local.get $handle  call $error_link  i32.load offset=0  i32.load offset=4  return  end
  local.get $handle  call $host_error_code)

(func $error_drop (param $handle i32) (local $link i32) (local $error i32)
  local.get $handle  call $error_is_own  i32.eqz
  if $hosts  local.get $handle  call $host_error_drop  return  end
  local.get $handle  call $error_link  local.tee $link  i32.load offset=0  local.set $error
  local.get $link  local.get $error  i32.load offset=0  i32.store offset=0
  local.get $error  i32.load offset=8  local.get $error  i32.load offset=12  call $free_list
  local.get $error  call $free)
