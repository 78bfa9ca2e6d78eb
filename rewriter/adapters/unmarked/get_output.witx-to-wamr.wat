;; get_output: WAMR's host counts the output in floats. It reads the buffer size as a number of
;; floats, but copies only if that number is at least the output's size in bytes. So it gets the
;; buffer size in bytes. If the buffer is too small, the host may report success without copying.
(func (param $context i32) (param $index i32) (param $out_buffer i32)
  (param $out_buffer_max_size i32) (param $written_out i32) (result i32)
  (local $errno i32) (local $old i32)
  (local $memory_end i64) (local $room i64) (local $end i64)
  memory.size  i64.extend_i32_u  i64.const $PAGE_SIZE  i64.mul  local.set $memory_end
  local.get $written_out  i64.extend_i32_u  i64.const $U32_SIZE  i64.add
  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end
  local.get $written_out  i32.load offset=0  local.set $old
  local.get $written_out  local.get $out_buffer_max_size  i32.store offset=0
  local.get $context  local.get $index  local.get $out_buffer  local.get $written_out  call $host
  local.tee $errno  i32.eqz
  if $done
    local.get $written_out  i64.load32_u offset=0  i64.const $WAMR_OUTPUT_UNIT  i64.mul
    local.tee $room  local.get $out_buffer_max_size  i64.extend_i32_u  i64.gt_u
    if $larger  i32.const $TOO_LARGE  local.set $errno  end
    local.get $room  i32.wrap_i64  local.set $old
  end
  local.get $written_out  local.get $old  i32.store offset=0
  local.get $errno)
