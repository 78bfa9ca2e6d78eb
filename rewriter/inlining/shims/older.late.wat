;; A program of 0.2.0-rc-2024-10-28 on a host of before that: compute by several calls. $OUTPUTS are
;; {name, length of name, tensor} of the $OUTPUT_COUNT outputs.

(func $drop_all (param $at i32) (param $end i32)
  block $done
    loop $next
      local.get $at  local.get $end  i32.eq  br_if $done
      local.get $at  i32.load offset=8  call $host_tensor_drop
      local.get $at  i32.const 12  i32.add  local.set $at
      br $next
    end
  end)

;; Whether all inputs are set; if not, the area has the error, and no tensor is left.
(func $set_all
  (param $handle i32) (param $list i32) (param $end i32) (param $area i32) (result i32)
  block $done
    loop $next
      local.get $list  local.get $end  i32.eq  br_if $done
      local.get $handle  local.get $list  i32.load offset=0  local.get $list  i32.load offset=4
      local.get $list  i32.load offset=8  local.get $area  call $host_set_input
      local.get $list  i32.const 12  i32.add  local.set $list
      local.get $area  call $guest_load8
      if $failed
        local.get $list  local.get $end  call $drop_all
        i32.const 0  return
      end
      br $next
    end
  end
  i32.const 1)

;; Whether all outputs are there; if not, the area has the error, and no tensor is left.
(func $get_all (param $handle i32) (param $area i32) (result i32) (local $at i32)
  i32.const $OUTPUTS  local.set $at
  loop $next
    local.get $handle  local.get $at  i32.load offset=0  local.get $at  i32.load offset=4
    i32.const $RESULT  call $host_get_output
    i32.const 0  i32.load8_u offset=$RESULT
    if $failed
      i32.const $OUTPUTS  local.get $at  call $drop_all
      i32.const 0  i32.load offset=$RESULT_VALUE  local.get $area  call $fail
      i32.const 0  return
    end
    local.get $at  i32.const 0  i32.load offset=$RESULT_VALUE  i32.store offset=8
    local.get $at  i32.const 12  i32.add  local.tee $at
    i32.const $OUTPUTS_END  i32.ne  br_if $next
  end
  i32.const 1)

(func $compute
  (param $handle i32) (param $list i32) (param $count i32) (param $area i32)
  (local $inputs i32) (local $length i32) (local $set i32) (local $at i32)
  local.get $area  call $check_large_area
  local.get $list  call $check_aligned
  local.get $count  i32.const $MOST_INPUTS  i32.gt_u  if $many  unreachable  end
  local.get $count  i32.const 12  i32.mul  local.set $length
  local.get $list  local.get $length  call $copied  local.set $inputs
  local.get $handle  local.get $inputs  local.get $inputs  local.get $length  i32.add
  local.get $area  call $set_all  local.set $set
  local.get $inputs  local.get $length  call $free_list
  local.get $set  i32.eqz  if $failed  return  end
  local.get $handle  local.get $area  call $host_compute
  local.get $area  call $guest_load8  if $failed  return  end
  local.get $handle  local.get $area  call $get_all  i32.eqz  if $failed  return  end
  i32.const 0  i32.const 0  i32.const 4  i32.const $OUTPUTS_SIZE  call $guest_realloc
  local.tee $list  call $check_aligned
  i32.const $OUTPUTS  local.set $at
  local.get $list  local.set $inputs
  loop $next
    local.get $at  i32.load offset=0  local.get $at  i32.load offset=4
    local.get $inputs  call $give
    local.get $inputs  i32.const 8  i32.add  local.get $at  i32.load offset=8  call $guest_store
    local.get $inputs  i32.const 12  i32.add  local.set $inputs
    local.get $at  i32.const 12  i32.add  local.tee $at
    i32.const $OUTPUTS_END  i32.ne  br_if $next
  end
  local.get $area  i32.const 4  i32.add  local.get $list  call $guest_store
  local.get $area  i32.const 8  i32.add  i32.const $OUTPUT_COUNT  call $guest_store
  local.get $area  i32.const 0  call $guest_store8)
