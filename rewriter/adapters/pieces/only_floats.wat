;; TensorFlow Lite would read the bytes of any other type as floats.
global.get $kept  i32.const $TENSORFLOWLITE_KEPT  i32.eq
if $floats
  local.get $type  i32.const $FLOAT  i32.ne
  if $others  i32.const $UNSUPPORTED_OPERATION  return  end
end
