;; The host has one backend at a time, and get_output cannot tell whose context it is asked for. What
;; is kept is the encoding, and one more: 0 is none yet.
$ENCODING_KEPT
global.get $kept
if $second
  global.get $kept  i32.const $OPENVINO_KEPT  i32.eq
  local.get $keep  i32.const $OPENVINO_KEPT  i32.eq  i32.ne
  if $another  i32.const $UNSUPPORTED_OPERATION  return  end
end
