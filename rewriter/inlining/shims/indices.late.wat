;; Inputs and outputs by index, of a program whose tensors are records: see records.late.wat. There
;; are $INPUT_NAMES names of inputs at $INPUTS and $OUTPUT_NAMES of outputs at $OUTPUTS, each a
;; pointer and a length; behind these, the index is the name.

;; The address of an input's or output's pointer and length.
(func $name_of (param $index i32) (param $names i32) (param $count i32) (result i32) (local $at i32)
  local.get $index  local.get $count  i32.lt_u
  if $named
    local.get $names  local.get $index  i32.const 3  i32.shl  i32.add  return
  end
  i32.const $DIGITS_END  local.set $at
  loop $next
    local.get $at  i32.const 1  i32.sub  local.tee $at
    local.get $index  i32.const 10  i32.rem_u  i32.const 48  i32.add  i32.store8 offset=0
    local.get $index  i32.const 10  i32.div_u  local.tee $index  br_if $next
  end
  i32.const 0  local.get $at  i32.store offset=$NAME
  i32.const 0  i32.const $DIGITS_END  local.get $at  i32.sub  i32.store offset=$NAME_LENGTH
  i32.const $NAME)

(func $set_input
  (param $context i32) (param $index i32) (param $dimensions i32) (param $rank i32)
  (param $type i32) (param $data i32) (param $size i32) (param $area i32) (local $name i32)
  local.get $index  i32.const $INPUTS  i32.const $INPUT_NAMES  call $name_of  local.set $name
  local.get $context  local.get $name  i32.load offset=0  local.get $name  i32.load offset=4
  local.get $dimensions  local.get $rank  local.get $type  local.get $data  local.get $size
  local.get $area  call $set)

(func $get_output (param $context i32) (param $index i32) (param $area i32) (local $name i32)
  local.get $index  i32.const $OUTPUTS  i32.const $OUTPUT_NAMES  call $name_of  local.set $name
  local.get $context  local.get $name  i32.load offset=0  local.get $name  i32.load offset=4
  local.get $area  call $get)
