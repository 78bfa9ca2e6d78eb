;; get_output for a host that counts TensorFlow Lite outputs in floats, whatever the layout says, and
;; reads the buffer size as a number of floats. It counts OpenVINO outputs in bytes, and copies them
;; even if the buffer is too small. The adapter traps then, because the guest's memory is corrupt.
(func $PARAMETERS (result i32)
  (local $errno i32) (local $old i32) (local $memory_end i64) (local $room i64)
  memory.size  i64.extend_i32_u  i64.const $PAGE_SIZE  i64.mul  local.set $memory_end
  local.get $written_out  i64.extend_i32_u  i64.const $U32_SIZE  i64.add
  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end
  local.get $out_buffer  i64.extend_i32_u  local.get $out_buffer_max_size  i64.extend_i32_u  i64.add
  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end
  local.get $written_out  i32.load offset=0  local.set $old
  local.get $out_buffer_max_size  i64.extend_i32_u  local.set $room
  $ROOM
  local.get $context  local.get $index  local.get $out_buffer  local.get $room  i32.wrap_i64
  local.get $written_out  call $host  $ERRNOS
  $IN_BYTES
  local.tee $errno
  if $failed  ;; the host has overwritten written_out with the buffer size
    local.get $written_out  local.get $old  i32.store offset=0
    local.get $errno  return
  end
  local.get $written_out  i32.load offset=0  local.get $out_buffer_max_size  i32.gt_u
  if $overrun  unreachable  end
  i32.const $SUCCESS)
