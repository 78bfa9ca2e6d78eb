;; load_by_name_with_config for a host that expects a NUL after both texts. If both have one, they
;; stay in place. If not, both are swapped with borrowed bytes, as in load_by_name.nul.wat.
(func $PARAMETERS (result i32)
  (local $errno i32) (local $keep i32) (local $scratch i32) (local $scratch_2 i32)
  (local $offset i32) (local $byte i32) (local $saved i32) (local $saved_2 i32)
  (local $called i32) (local $there i32)
  (local $memory_end i64) (local $at i64) (local $size i64)
  (local $name_start i64) (local $name_end i64) (local $config_start i64) (local $config_end i64)
  (local $graph_out_start i64) (local $graph_out_end i64)
  $ONE_BACKEND
  memory.size  i64.extend_i32_u  i64.const $PAGE_SIZE  i64.mul  local.set $memory_end
  local.get $name  i64.extend_i32_u  local.tee $name_start
  local.get $name_len  i64.extend_i32_u  i64.add  local.tee $name_end
  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end
  local.get $config  i64.extend_i32_u  local.tee $config_start
  local.get $config_len  i64.extend_i32_u  i64.add  local.tee $config_end
  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end
  local.get $graph_out  i64.extend_i32_u  local.tee $graph_out_start
  i64.const $U32_SIZE  i64.add  local.tee $graph_out_end
  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end

  i32.const 0  local.set $offset
  loop $each
    local.get $offset  local.get $name_len  i32.ne
    if $more
      local.get $name  local.get $offset  i32.add  i32.load8_u offset=0
      local.get $offset  i32.const 1  i32.add  local.set $offset
      i32.eqz
      if $nul
        local.get $offset  local.get $name_len  i32.ne
        if $within  i32.const $INVALID_ARGUMENT  return  end
        local.get $name_end  i64.const 1  i64.sub  local.set $name_end
        local.get $name_len  i32.const 1  i32.sub  local.tee $name_len  local.set $offset
      end
      br $each
    end
  end
  i32.const 0  local.set $offset
  loop $each
    local.get $offset  local.get $config_len  i32.ne
    if $more
      local.get $config  local.get $offset  i32.add  i32.load8_u offset=0
      local.get $offset  i32.const 1  i32.add  local.set $offset
      i32.eqz
      if $nul
        local.get $offset  local.get $config_len  i32.ne
        if $within  i32.const $INVALID_ARGUMENT  return  end
        local.get $config_end  i64.const 1  i64.sub  local.set $config_end
        local.get $config_len  i32.const 1  i32.sub  local.tee $config_len  local.set $offset
      end
      br $each
    end
  end

  local.get $name  local.set $scratch
  local.get $config  local.set $scratch_2
  local.get $name_end  local.get $memory_end  i64.lt_u
  if $inside
    local.get $name_end  i32.wrap_i64  i32.load8_u offset=0  i32.eqz
    if $nul
      local.get $name_end  local.get $graph_out_end  i64.lt_u
      local.get $graph_out_start  local.get $name_end  i64.const 1  i64.add  i64.lt_u
      i32.and  i32.eqz
      if $stays  local.get $there  i32.const 1  i32.add  local.set $there  end
    end
  end
  local.get $config_end  local.get $memory_end  i64.lt_u
  if $inside
    local.get $config_end  i32.wrap_i64  i32.load8_u offset=0  i32.eqz
    if $nul
      local.get $config_end  local.get $graph_out_end  i64.lt_u
      local.get $graph_out_start  local.get $config_end  i64.const 1  i64.add  i64.lt_u
      i32.and  i32.eqz
      if $stays  local.get $there  i32.const 1  i32.add  local.set $there  end
    end
  end
  local.get $there  i32.const 2  i32.ne
  if $borrows
    local.get $name_start  local.get $config_end  i64.lt_u
    local.get $config_start  local.get $name_end  i64.lt_u
    i32.and
    if $touches  i32.const $INVALID_ARGUMENT  return  end
    local.get $name_start  local.get $graph_out_end  i64.lt_u
    local.get $graph_out_start  local.get $name_end  i64.lt_u
    i32.and
    if $touches  i32.const $INVALID_ARGUMENT  return  end
    local.get $config_start  local.get $graph_out_end  i64.lt_u
    local.get $graph_out_start  local.get $config_end  i64.lt_u
    i32.and
    if $touches  i32.const $INVALID_ARGUMENT  return  end
    local.get $name_len  i64.extend_i32_u  local.get $config_len  i64.extend_i32_u  i64.add
    i64.const 2  i64.add  local.set $size
    i64.const $FIRST_SCRATCH  local.set $at
    loop $search
      local.get $at  local.get $name_end  i64.lt_u
      local.get $name_start  local.get $at  local.get $size  i64.add  i64.lt_u
      i32.and
      if $touches  local.get $name_end  local.set $at  br $search  end
      local.get $at  local.get $config_end  i64.lt_u
      local.get $config_start  local.get $at  local.get $size  i64.add  i64.lt_u
      i32.and
      if $touches  local.get $config_end  local.set $at  br $search  end
      local.get $at  local.get $graph_out_end  i64.lt_u
      local.get $graph_out_start  local.get $at  local.get $size  i64.add  i64.lt_u
      i32.and
      if $touches  local.get $graph_out_end  local.set $at  br $search  end
    end
    local.get $at  local.get $size  i64.add  local.get $memory_end  i64.gt_u
    if $none  i32.const $INVALID_ARGUMENT  return  end
    local.get $at  i32.wrap_i64  local.tee $scratch
    local.get $name_len  i32.add  i32.const 1  i32.add  local.set $scratch_2
  end

  loop $swap
    i32.const 0  local.set $offset
    loop $each
      local.get $offset  local.get $name_len  i32.ne
      if $more
        local.get $name  local.get $offset  i32.add  i32.load8_u offset=0  local.set $byte
        local.get $name  local.get $offset  i32.add
        local.get $scratch  local.get $offset  i32.add  i32.load8_u offset=0  i32.store8 offset=0
        local.get $scratch  local.get $offset  i32.add  local.get $byte  i32.store8 offset=0
        local.get $offset  i32.const 1  i32.add  local.set $offset
        br $each
      end
    end
    i32.const 0  local.set $offset
    loop $each
      local.get $offset  local.get $config_len  i32.ne
      if $more
        local.get $config  local.get $offset  i32.add  i32.load8_u offset=0  local.set $byte
        local.get $config  local.get $offset  i32.add
        local.get $scratch_2  local.get $offset  i32.add  i32.load8_u offset=0  i32.store8 offset=0
        local.get $scratch_2  local.get $offset  i32.add  local.get $byte  i32.store8 offset=0
        local.get $offset  i32.const 1  i32.add  local.set $offset
        br $each
      end
    end
    local.get $called  i32.eqz
    if $first
      local.get $scratch  local.get $name_len  i32.add  i32.load8_u offset=0  local.set $saved
      local.get $scratch  local.get $name_len  i32.add  i32.const 0  i32.store8 offset=0
      local.get $scratch_2  local.get $config_len  i32.add  i32.load8_u offset=0  local.set $saved_2
      local.get $scratch_2  local.get $config_len  i32.add  i32.const 0  i32.store8 offset=0
      local.get $scratch  local.get $name_len  local.get $scratch_2  local.get $config_len
      local.get $graph_out  call $host  $ERRNOS
      local.set $errno
      local.get $scratch_2  local.get $config_len  i32.add  local.get $saved_2  i32.store8 offset=0
      local.get $scratch  local.get $name_len  i32.add  local.get $saved  i32.store8 offset=0
      i32.const 1  local.set $called
      br $swap
    end
  end
  local.get $errno
  $KEPT)
