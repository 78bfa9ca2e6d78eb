;; A program of before 0.2.0-rc-2024-10-28 on a host of that version: what takes pointers. See
;; newer.early.wat for the records.

(func $init (param $graph i32) (param $area i32) (local $context i32)
  local.get $graph  local.get $area  call $host_init
  local.get $area  call $guest_load8  if $failed  return  end
  i32.const 16  call $new  local.tee $context
  i32.const 0  i32.load offset=$CONTEXTS  i32.store offset=0
  local.get $context  local.get $area  i32.const 4  i32.add  call $guest_load  i32.store offset=4
  local.get $context  i32.const 0  i32.store offset=8
  local.get $context  i32.const 0  i32.store offset=12
  i32.const 0  local.get $context  i32.store offset=$CONTEXTS)

(func $context (param $handle i32) (result i32) (local $link i32)
  local.get $handle  call $link  local.tee $link  i32.eqz  if $unknown  unreachable  end
  local.get $link  i32.load offset=0)

;; Puts a tensor with this name first into a list; the host's tensor is used up.
(func $keep (param $list i32) (param $name i32) (param $length i32) (param $handle i32)
  (local $tensor i32)
  i32.const 32  call $new  local.tee $tensor  local.get $name  i32.store offset=4
  local.get $tensor  local.get $length  i32.store offset=8
  local.get $tensor  local.get $handle  call $host_tensor_ty  i32.store offset=12
  local.get $handle  local.get $tensor  i32.const 16  i32.add  call $host_tensor_dimensions
  local.get $handle  local.get $tensor  i32.const 24  i32.add  call $host_tensor_data
  local.get $handle  call $host_tensor_drop
  local.get $tensor  local.get $list  i32.load offset=0  i32.store offset=0
  local.get $list  local.get $tensor  i32.store offset=0)

;; A tensor of the host that has what is kept.
(func $made (param $tensor i32) (result i32)
  local.get $tensor  i32.load offset=16  local.get $tensor  i32.load offset=20
  local.get $tensor  i32.load offset=12
  local.get $tensor  i32.load offset=24  local.get $tensor  i32.load offset=28
  call $host_tensor_new)

(func $has_name (param $tensor i32) (param $name i32) (param $length i32) (result i32)
  (local $at i32)
  local.get $tensor  i32.load offset=8  local.get $length  i32.ne
  if $another  i32.const 0  return  end
  block $same
    loop $next
      local.get $at  local.get $length  i32.eq  br_if $same
      local.get $tensor  i32.load offset=4  local.get $at  i32.add  i32.load8_u offset=0
      local.get $name  local.get $at  i32.add  call $guest_load8
      i32.ne  if $another  i32.const 0  return  end
      local.get $at  i32.const 1  i32.add  local.set $at
      br $next
    end
  end
  i32.const 1)

;; What points to the tensor in a list that has this name, 0 if there is none.
(func $named (param $list i32) (param $name i32) (param $length i32) (result i32)
  (local $tensor i32)
  loop $next
    local.get $list  i32.load offset=0  local.tee $tensor  i32.eqz
    if $none  i32.const 0  return  end
    local.get $tensor  local.get $name  local.get $length  call $has_name
    if $found  local.get $list  return  end
    local.get $tensor  local.set $list
    br $next
  end
  unreachable)

(func $set_input
  (param $handle i32) (param $name i32) (param $length i32) (param $tensor i32) (param $area i32)
  (local $inputs i32) (local $link i32) (local $old i32)
  local.get $area  call $check_area
  local.get $name  local.get $length  call $check_text
  local.get $handle  call $context  i32.const 8  i32.add  local.tee $inputs
  local.get $name  local.get $length  call $named  local.tee $link
  if $again
    local.get $link  i32.load offset=0  local.set $old
    local.get $link  local.get $old  i32.load offset=0  i32.store offset=0
    local.get $old  call $forget
  end
  local.get $inputs  local.get $name  local.get $length  call $copied  local.get $length
  local.get $tensor  call $keep
  local.get $area  i32.const 0  call $guest_store8)

;; A list for compute of all inputs that are set, and into $COUNT their number.
(func $all_inputs (param $inputs i32) (result i32)
  (local $tensor i32) (local $count i32) (local $list i32) (local $at i32)
  local.get $inputs  local.set $tensor
  block $counted
    loop $next
      local.get $tensor  i32.load offset=0  local.tee $tensor  i32.eqz  br_if $counted
      local.get $count  i32.const 1  i32.add  local.set $count
      br $next
    end
  end
  i32.const 0  local.get $count  i32.store offset=$COUNT
  local.get $count  i32.const 12  i32.mul  call $new  local.tee $list  local.set $at
  block $done
    loop $next
      local.get $inputs  i32.load offset=0  local.tee $inputs  i32.eqz  br_if $done
      local.get $at  local.get $inputs  i32.load offset=4  i32.store offset=0
      local.get $at  local.get $inputs  i32.load offset=8  i32.store offset=4
      local.get $at  local.get $inputs  call $made  i32.store offset=8
      local.get $at  i32.const 12  i32.add  local.set $at
      br $next
    end
  end
  local.get $list)

(func $compute (param $handle i32) (param $area i32)
  (local $context i32) (local $list i32) (local $count i32) (local $at i32)
  local.get $area  call $check_area
  local.get $handle  call $context  local.tee $context
  i32.const 8  i32.add  call $all_inputs  local.set $list
  local.get $context  i32.const 12  i32.add  call $clear
  local.get $handle  local.get $list  i32.const 0  i32.load offset=$COUNT  i32.const $RESULT
  call $host_compute
  local.get $list  call $free
  i32.const 0  i32.load8_u offset=$RESULT
  if $failed  i32.const 0  i32.load offset=$RESULT_VALUE  local.get $area  call $fail  return  end
  i32.const 0  i32.load offset=$RESULT_VALUE  local.tee $list  local.set $at
  i32.const 0  i32.load offset=$RESULT_LENGTH  local.tee $count
  i32.const 12  i32.mul  local.get $list  i32.add  local.set $count
  block $done
    loop $next
      local.get $at  local.get $count  i32.eq  br_if $done
      local.get $context  i32.const 12  i32.add
      local.get $at  i32.load offset=0  local.get $at  i32.load offset=4
      local.get $at  i32.load offset=8  call $keep
      local.get $at  i32.const 12  i32.add  local.set $at
      br $next
    end
  end
  local.get $list  i32.const 0  i32.load offset=$RESULT_LENGTH  call $free_list
  local.get $area  i32.const 0  call $guest_store8)

;; Of one output, any name is the name.
(func $get_output
  (param $handle i32) (param $name i32) (param $length i32) (param $area i32)
  (local $outputs i32) (local $link i32) (local $tensor i32)
  local.get $area  call $check_area
  local.get $name  local.get $length  call $check_text
  local.get $handle  call $context  i32.const 12  i32.add  local.tee $outputs
  local.get $name  local.get $length  call $named  local.tee $link
  if $known  local.get $link  i32.load offset=0  local.set $tensor  end
  local.get $link  i32.eqz
  if $unknown
    local.get $outputs  i32.load offset=0  local.tee $tensor
    if $any
      local.get $tensor  i32.load offset=0  if $several  i32.const 0  local.set $tensor  end
    end
  end
  local.get $tensor  i32.eqz
  if $none
    i32.const $RUNTIME_ERROR  i32.const $TEXT  i32.const $TEXT_LENGTH  call $error_new
    local.get $area  call $fail  return
  end
  local.get $area  i32.const 4  i32.add  local.get $tensor  call $made  call $guest_store
  local.get $area  i32.const 0  call $guest_store8)
