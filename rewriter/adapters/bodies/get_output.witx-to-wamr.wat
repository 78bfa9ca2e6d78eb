;; get_output. WAMR counts TensorFlow Lite outputs in floats, and reads the buffer size as a number of
;; floats. Before 2.4.0 it copies if the output fits into so many floats. Since 2.4.0 it reports
;; success then, but copies only if the output fits into so many bytes too. So it is called twice:
;; first with the buffer size in floats, which shows on all releases whether the output fits, and
;; then with the size in bytes, with which all releases copy it. OpenVINO outputs are counted in
;; bytes, and before 2.4.0 copied even if the buffer is too small. The adapter traps then, because
;; the guest's memory is corrupt.
(func (param $context i32) (param $index i32) (param $out_buffer i32)
  (param $out_buffer_max_size i32) (param $written_out i32) (result i32)
  (local $errno i32) (local $old i32)
  (local $memory_end i64)
  memory.size  i64.extend_i32_u  i64.const $PAGE_SIZE  i64.mul  local.set $memory_end
  local.get $written_out  i64.extend_i32_u  i64.const $U32_SIZE  i64.add
  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end
  local.get $out_buffer  i64.extend_i32_u  local.get $out_buffer_max_size  i64.extend_i32_u  i64.add
  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end
  local.get $written_out  i32.load offset=0  local.set $old

  global.get $kept  i32.const $OPENVINO_KEPT  i32.ne
  if $floats
    local.get $written_out
    local.get $out_buffer_max_size  i32.const $WAMR_OUTPUT_SHIFT  i32.shr_u  i32.store offset=0
    local.get $context  local.get $index  local.get $out_buffer  local.get $written_out  call $host  $ERRNOS
    local.tee $errno
    if $failed
      local.get $written_out  local.get $old  i32.store offset=0
      local.get $errno  return
    end
  end
  local.get $written_out  local.get $out_buffer_max_size  i32.store offset=0
  local.get $context  local.get $index  local.get $out_buffer  local.get $written_out  call $host  $ERRNOS
  local.tee $errno
  if $failed
    local.get $written_out  local.get $old  i32.store offset=0
    local.get $errno  return
  end
  global.get $kept  i32.const $OPENVINO_KEPT  i32.ne
  if $floats
    local.get $written_out  local.get $written_out  i32.load offset=0
    i32.const $WAMR_OUTPUT_SHIFT  i32.shl  i32.store offset=0
  end
  local.get $written_out  i32.load offset=0  local.get $out_buffer_max_size  i32.gt_u
  if $overrun  unreachable  end
  i32.const $SUCCESS)
