;; Converts the output size from floats to bytes. Leaves the errno on the stack.
local.tee $errno  i32.eqz
if $done
  global.get $kept  i32.const $OPENVINO_KEPT  i32.ne
  if $floats
    local.get $SIZE_OUT  local.get $SIZE_OUT  i32.load offset=0
    i32.const $WAMR_OUTPUT_SHIFT  i32.shl  i32.store offset=0
  end
end
local.get $errno
