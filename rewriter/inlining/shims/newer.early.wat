;; A program of before 0.2.0-rc-2024-10-28 on a host of that version: what takes no pointers.
;;
;; A context is {next, handle, inputs, outputs}. An input or output is {next, name, length of name,
;; type, dimensions, number of dimensions, data, length of data}. An error of the shim is {next,
;; code, text, length of text}; its handle is its address / 8 + $OWN_ERROR.

(func $clear (param $list i32) (local $tensor i32) (local $next i32)
  local.get $list  i32.load offset=0  local.set $next
  local.get $list  i32.const 0  i32.store offset=0
  block $done
    loop $each
      local.get $next  local.tee $tensor  i32.eqz  br_if $done
      local.get $tensor  i32.load offset=0  local.set $next
      local.get $tensor  call $forget
      br $each
    end
  end)

(func $forget (param $tensor i32)
  local.get $tensor  i32.load offset=4  local.get $tensor  i32.load offset=8  call $free_list
  local.get $tensor  i32.load offset=16  local.get $tensor  i32.load offset=20  call $free_list
  local.get $tensor  i32.load offset=24  local.get $tensor  i32.load offset=28  call $free_list
  local.get $tensor  call $free)

;; What points to the context, 0 if there is none.
(func $link (param $handle i32) (result i32) (local $link i32) (local $context i32)
  i32.const $CONTEXTS  local.set $link
  loop $next
    local.get $link  i32.load offset=0  local.tee $context  i32.eqz
    if $none  i32.const 0  return  end
    local.get $context  i32.load offset=4  local.get $handle  i32.eq
    if $found  local.get $link  return  end
    local.get $context  local.set $link
    br $next
  end
  unreachable)

(func $context_drop (param $handle i32) (local $link i32) (local $context i32)
  local.get $handle  call $link  local.tee $link  i32.eqz  if $unknown  unreachable  end
  local.get $link  i32.load offset=0  local.set $context
  local.get $link  local.get $context  i32.load offset=0  i32.store offset=0
  local.get $context  i32.const 8  i32.add  call $clear
  local.get $context  i32.const 12  i32.add  call $clear
  local.get $context  call $free
  local.get $handle  call $host_context_drop)
