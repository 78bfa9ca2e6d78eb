;; get_output: gives the host the buffer size in bytes, and the guest a number of floats. Guests
;; declare as many floats as WAMR's host wants to see, which may go past the end of memory. Some hosts
;; copy an output even if the buffer is too small. The adapter traps then, because the guest's memory
;; is corrupt.
(func (param $context i32) (param $index i32) (param $out_buffer i32) (param $size_inout i32)
  (result i32)
  (local $errno i32) (local $old i32)
  (local $memory_end i64) (local $room i64)
  memory.size  i64.extend_i32_u  i64.const $PAGE_SIZE  i64.mul  local.set $memory_end
  local.get $size_inout  i64.extend_i32_u  i64.const $U32_SIZE  i64.add
  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end
  local.get $size_inout  i32.load offset=0  local.tee $old
  i64.extend_i32_u  local.get $out_buffer  i64.extend_i32_u  i64.add
  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end
  local.get $old  i64.extend_i32_u  i64.const $WAMR_OUTPUT_UNIT  i64.mul  local.tee $room
  local.get $memory_end  local.get $out_buffer  i64.extend_i32_u  i64.sub  i64.gt_u
  if $shorter
    local.get $memory_end  local.get $out_buffer  i64.extend_i32_u  i64.sub  local.set $room
  end
  $ROOM
  local.get $context  local.get $index  local.get $out_buffer
  local.get $room  i32.wrap_i64  local.get $size_inout  call $host  $ERRNOS
  $IN_BYTES
  local.tee $errno  i32.eqz
  if $done
    local.get $size_inout  i64.load32_u offset=0
    local.get $old  i64.extend_i32_u  i64.const $WAMR_OUTPUT_UNIT  i64.mul  i64.gt_u
    if $overrun  unreachable  end
    ;; Round up to whole floats.
    local.get $size_inout  i64.load32_u offset=0  i64.const $WAMR_OUTPUT_ROUND  i64.add
    local.tee $room  i32.wrap_i64  i32.const $WAMR_OUTPUT_SHIFT  i32.shr_u  local.set $old
  end
  local.get $size_inout  local.get $old  i32.store offset=0
  local.get $errno)
