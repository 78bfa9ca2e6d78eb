  ;; A part of set_input, for a guest whose types may be numbered as before or as since August 2023.
  ;; Converts the type to the numbering since then, by the size of each element in bytes. A tensor
  ;; without elements keeps its type. Data of any other length counts as u8, because language models
  ;; accept any length.
  i64.const 1  local.set $count
  local.get $dimensions_end  local.get $memory_end  i64.gt_u  i32.eqz
  if $inside
    local.get $dimensions_start  local.set $dimension
    loop $each
      local.get $dimension  local.get $dimensions_end  i64.lt_u
      if $more
        local.get $count  local.get $dimension  i32.wrap_i64  i64.load32_u offset=0  i64.mul
        local.tee $count  i64.const 0x1_0000_0000  i64.gt_u
        if $saturates  i64.const 0x1_0000_0000  local.set $count  end
        local.get $dimension  i64.const $U32_SIZE  i64.add  local.set $dimension
        br $each
      end
    end
  end
  local.get $tensor  i64.load32_u offset=$TENSOR_LENGTH  local.set $length
  block $is_since
    local.get $type  i32.const $I32_BEFORE  i32.eq
    if $u8_or_i32
      local.get $length  local.get $count  i64.const $I32_SIZE  i64.mul  i64.ne
      if $u8  br $is_since  end
      local.get $length  local.get $count  i64.ne
      if $i32  i32.const $I32_SINCE  local.set $type  end
      br $is_since
    end
    local.get $type  i32.const $U8_BEFORE  i32.eq
    if $f64_or_u8
      local.get $length  local.get $count  i64.const $F64_SIZE  i64.mul  i64.ne
      if $u8  i32.const $U8_SINCE  local.set $type  end
    end
  end
