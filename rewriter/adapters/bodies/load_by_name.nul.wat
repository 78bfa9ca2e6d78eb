;; load_by_name for a host that expects a NUL after the name. If there is none, the name is swapped
;; with borrowed bytes that overlap neither the name nor the result, and a NUL is put after it there.
;; PARAMETERS are those of the guest's function. CONFIGURED refuses a configuration. ONE_BACKEND and
;; KEPT are as in load.units.wat.
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

  ;; If the last byte of the name is a NUL, it counts as the one after the name. A NUL inside the name
  ;; would cut it short, so it is refused.
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
    ;; A NUL inside the result does not count: the host may overwrite it before it reads the name.
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

    ;; The scratch is one byte longer than the name. If it overlaps something, the search continues
    ;; after that.
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

  ;; Swaps before the call, and back after it. A name that stays in place is swapped with itself.
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
