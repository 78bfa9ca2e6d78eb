;; The host has one backend at a time, and get_output cannot tell which model a context belongs to.
;; The global holds the encoding plus 1, or 0 before the first load.
$ENCODING_KEPT
global.get $kept
if $second
  global.get $kept  i32.const $OPENVINO_KEPT  i32.eq
  local.get $keep  i32.const $OPENVINO_KEPT  i32.eq  i32.ne
  if $another  i32.const $UNSUPPORTED_OPERATION  return  end
end
