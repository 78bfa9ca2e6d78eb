;; A program whose errors are numbers, on a host whose errors are resources: what programs with and
;; without resources for tensors have in common.

;; A result without a value takes two bytes. This is the last one.
(func $guest_second (param $at i32) (result i32)  local.get $at  i32.load8_u offset=1)

;; The number of the error in a result with a value, which the host has written.
(func $number (param $area i32)
  local.get $area  call $guest_load8  i32.eqz  if $fine  return  end
  local.get $area  i32.const 4  i32.add
  local.get $area  i32.const 4  i32.add  call $guest_load  call $code_of  call $guest_store8)

;; A result without a value, which the host has written to $RESULT.
(func $answer (param $area i32)
  i32.const 0  i32.load8_u offset=$RESULT
  if $failed
    local.get $area  i32.const 1  i32.add
    i32.const 0  i32.load offset=$RESULT_VALUE  call $code_of  call $guest_store8
  end
  local.get $area  i32.const 0  i32.load8_u offset=$RESULT  call $guest_store8)

(func $load
  (param $builders i32) (param $count i32) (param $encoding i32) (param $target i32)
  (param $area i32)
  local.get $builders  local.get $count  local.get $encoding  call $encoding
  local.get $target  local.get $area  call $host_load
  local.get $area  call $number)

(func $load_by_name (param $name i32) (param $length i32) (param $area i32)
  local.get $name  local.get $length  local.get $area  call $host_load_by_name
  local.get $area  call $number)

(func $init (param $graph i32) (param $area i32)
  local.get $graph  local.get $area  call $host_init
  local.get $area  call $number)

(func $compute (param $context i32) (param $area i32)
  local.get $area  call $guest_second  drop
  local.get $context  i32.const $RESULT  call $host_compute
  local.get $area  call $answer)
