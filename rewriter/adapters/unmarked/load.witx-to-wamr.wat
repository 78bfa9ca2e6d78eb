;; load: passes the builders to the host in a structure. It is built in borrowed bytes that overlap
;; neither the builders, nor their buffers, nor the result. ENCODINGS has a case for each encoding of
;; the guest.
(func (param $builders i32) (param $builders_len i32) (param $encoding i32) (param $target i32)
  (param $graph_out i32) (result i32)
  (local $errno i32) (local $scratch i32)
  (local $memory_end i64) (local $at i64) (local $saved i64)
  (local $builders_start i64) (local $builders_end i64)
  (local $builder i64) (local $start i64) (local $end i64)
  (local $graph_out_start i64) (local $graph_out_end i64)
  memory.size  i64.extend_i32_u  i64.const $PAGE_SIZE  i64.mul  local.set $memory_end
  block $known
    $ENCODINGS
    i32.const $INVALID_ENCODING  return
  end
  local.get $builders  i64.extend_i32_u  local.tee $builders_start
  local.get $builders_len  i64.extend_i32_u  i64.const $BUILDER_SIZE  i64.mul
  i64.add  local.set $builders_end
  ;; If the builders are not entirely inside the memory, they are not read here. The host refuses
  ;; them.
  local.get $builders_end  local.get $memory_end  i64.gt_u
  if $outside  local.get $builders_start  local.set $builders_end  end
  local.get $graph_out  i64.extend_i32_u  local.tee $graph_out_start
  i64.const $U32_SIZE  i64.add  local.set $graph_out_end

  ;; If the scratch bytes overlap a buffer, the search continues at the next multiple of eight after it.
  i64.const $FIRST_SCRATCH  local.set $at
  loop $search
    local.get $at  local.get $builders_end  i64.lt_u
    local.get $builders_start  local.get $at  i64.const $WAMR_BUILDERS_SIZE  i64.add  i64.lt_u
    i32.and
    if $touches
      local.get $builders_end  i64.const 7  i64.add  i64.const -8  i64.and  local.set $at
      br $search
    end
    local.get $at  local.get $graph_out_end  i64.lt_u
    local.get $graph_out_start  local.get $at  i64.const $WAMR_BUILDERS_SIZE  i64.add  i64.lt_u
    i32.and
    if $touches
      local.get $graph_out_end  i64.const 7  i64.add  i64.const -8  i64.and  local.set $at
      br $search
    end
    local.get $builders_start  local.set $builder
    loop $each
      local.get $builder  local.get $builders_end  i64.lt_u
      if $more
        local.get $builder  i32.wrap_i64  i64.load32_u offset=$BUILDER_POINTER  local.tee $start
        local.get $builder  i32.wrap_i64  i64.load32_u offset=$BUILDER_LENGTH
        i64.add  local.set $end
        local.get $at  local.get $end  i64.lt_u
        local.get $start  local.get $at  i64.const $WAMR_BUILDERS_SIZE  i64.add  i64.lt_u
        i32.and
        if $touches
          local.get $end  i64.const 7  i64.add  i64.const -8  i64.and  local.set $at
          br $search
        end
        local.get $builder  i64.const $BUILDER_SIZE  i64.add  local.set $builder
        br $each
      end
    end
  end
  local.get $at  i64.const $WAMR_BUILDERS_SIZE  i64.add  local.get $memory_end  i64.gt_u
  if $none  i32.const $INVALID_ARGUMENT  return  end
  local.get $at  i32.wrap_i64  local.set $scratch

  local.get $scratch  i64.load offset=0  local.set $saved
  local.get $scratch  local.get $builders  i32.store offset=$WAMR_BUILDERS_POINTER
  local.get $scratch  local.get $builders_len  i32.store offset=$WAMR_BUILDERS_COUNT
  local.get $scratch  local.get $encoding  local.get $target  local.get $graph_out  call $host
  local.set $errno
  local.get $scratch  local.get $saved  i64.store offset=0
  local.get $errno)
