;; TensorFlow Lite ignores the length and reads as many floats as the shape says.
global.get $kept  i32.const $TENSORFLOWLITE_KEPT  i32.eq
if $floats
  local.get $dimensions_end  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end
  i64.const $WAMR_OUTPUT_UNIT  local.set $whole
  local.get $dimensions_start  local.set $dimension
  loop $each
    local.get $dimension  local.get $dimensions_end  i64.lt_u
    if $more
      local.get $whole  local.get $dimension  i32.wrap_i64  i64.load32_u offset=0  i64.mul
      local.tee $whole  i64.const 0x1_0000_0000  i64.gt_u
      if $saturates  i64.const 0x1_0000_0000  local.set $whole  end
      local.get $dimension  i64.const $U32_SIZE  i64.add  local.set $dimension
      br $each
    end
  end
  local.get $whole  local.get $length  i64.ne
  if $differs  i32.const $INVALID_ARGUMENT  return  end
end
