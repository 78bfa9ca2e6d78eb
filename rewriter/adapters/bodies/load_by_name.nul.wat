;; load_by_name, where the host wants a NUL behind the name. Unless there is one, the name changes
;; places with borrowed bytes, behind which one is put, that neither it nor the result touch.
;; PARAMETERS are those of the guest's function; CONFIGURED refuses a configuration; ONE_BACKEND
;; and KEPT are as in load.units.wat.
(func $PARAMETERS (result i32)
  (local $errno i32) (local $keep i32) (local $scratch i32) (local $offset i32)
  (local $byte i32) (local $saved i32) (local $called i32)
  (local $memory_end i64) (local $at i64) (local $name_start i64) (local $name_end i64)
  (local $graph_out_start i64) (local $graph_out_end i64)
  $CONFIGURED
  $ONE_BACKEND
  memory.size  i64.extend_i32_u  i64.const $PAGE_SIZE  i64.mul  local.set $memory_end
  local.get $name  i64.extend_i32_u  local.tee $name_start
  local.get $name_len  i64.extend_i32_u  i64.add  local.tee $name_end
  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end
  local.get $graph_out  i64.extend_i32_u  local.tee $graph_out_start
  i64.const $U32_SIZE  i64.add  local.tee $graph_out_end
  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end

  ;; One that is the last byte counts as the one behind the name. Any other would cut it short.
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

  local.get $name  local.set $scratch
  block $there
    ;; Where the host writes, there may be another byte before it reads the name.
    local.get $name_end  local.get $memory_end  i64.lt_u
    if $inside
      local.get $name_end  i32.wrap_i64  i32.load8_u offset=0  i32.eqz
      if $nul
        local.get $name_end  local.get $graph_out_end  i64.lt_u
        local.get $graph_out_start  local.get $name_end  i64.const 1  i64.add  i64.lt_u
        i32.and  i32.eqz
        if $stays  br $there  end
      end
    end
    local.get $name_start  local.get $graph_out_end  i64.lt_u
    local.get $graph_out_start  local.get $name_end  i64.lt_u
    i32.and
    if $touches  i32.const $INVALID_ARGUMENT  return  end

    ;; Where the scratch, which is a byte longer, touches something, it is tried after that.
    i64.const $FIRST_SCRATCH  local.set $at
    loop $search
      local.get $at  local.get $name_end  i64.lt_u
      local.get $name_start  local.get $at  local.get $name_len  i64.extend_i32_u  i64.add
      i64.const 1  i64.add  i64.lt_u
      i32.and
      if $touches  local.get $name_end  local.set $at  br $search  end
      local.get $at  local.get $graph_out_end  i64.lt_u
      local.get $graph_out_start  local.get $at  local.get $name_len  i64.extend_i32_u  i64.add
      i64.const 1  i64.add  i64.lt_u
      i32.and
      if $touches  local.get $graph_out_end  local.set $at  br $search  end
    end
    local.get $at  local.get $name_len  i64.extend_i32_u  i64.add
    i64.const 1  i64.add  local.get $memory_end  i64.gt_u
    if $none  i32.const $INVALID_ARGUMENT  return  end
    local.get $at  i32.wrap_i64  local.set $scratch
  end

  ;; There, and back after the call. A name that stays changes places with itself.
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
    local.get $called  i32.eqz
    if $first
      local.get $scratch  local.get $name_len  i32.add  i32.load8_u offset=0  local.set $saved
      local.get $scratch  local.get $name_len  i32.add  i32.const 0  i32.store8 offset=0
      local.get $scratch  local.get $name_len  local.get $graph_out  call $host  $ERRNOS
      local.set $errno
      local.get $scratch  local.get $name_len  i32.add  local.get $saved  i32.store8 offset=0
      i32.const 1  local.set $called
      br $swap
    end
  end
  local.get $errno
  $KEPT)
