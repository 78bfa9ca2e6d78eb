;; If the host counts in floats, it gets the buffer size in floats.
global.get $kept  i32.const $OPENVINO_KEPT  i32.ne
if $floats
  local.get $room  i32.wrap_i64  i32.const $WAMR_OUTPUT_SHIFT  i32.shr_u
  i64.extend_i32_u  local.set $room
end
