;; For programs that import wasi:nn without a version: errors that are numbers, and tensors that are
;; records. See shim.wat. Graphs and contexts are the same as its handles.

;; An error's number from witx's errno: those that the form does not have are a runtime error.
(func $error_number (param $errno i32) (result i32) (local $code i32)
  local.get $errno  call $error_code  local.tee $code
  i32.const $LAST_NUMBER  i32.gt_u  if $other  i32.const $RUNTIME_ERROR  return  end
  local.get $code)

;; The same as $answer, for a result without a value, which takes two bytes.
(func $answer_nothing (param $errno i32) (param $area i32)
  local.get $errno
  if $failed
    local.get $area  local.get $errno  call $error_number  i32.store8 offset=1
  end
  local.get $area  local.get $errno  i32.const 0  i32.ne  i32.store8 offset=0)

;; The number of a tensor's type in shim.wat: some programs know neither FP64, which is 2, nor I64.
(func $record_type (param $type i32) (result i32)
  local.get $type  i32.const $LAST_TYPE  i32.gt_u  if $unknown  unreachable  end
  local.get $type  local.get $type  i32.const 2  i32.ge_u  i32.const $LACKS_TYPES  i32.and  i32.add)

(func $set_record
  (param $context i32) (param $index i32) (param $dimensions i32) (param $rank i32)
  (param $type i32) (param $data i32) (param $length i32) (param $area i32)
  (local $tensor i32) (local $errno i32)
  local.get $context  call $is_context
  local.get $dimensions  local.get $rank  local.get $type  call $record_type
  local.get $data  local.get $length  call $tensor_new  local.set $tensor
  local.get $context  local.get $index  local.get $tensor  call $set  local.set $errno
  local.get $tensor  call $tensor_drop
  local.get $errno  local.get $area  call $answer_nothing)

(func $set_named_record
  (param $context i32) (param $name i32) (param $size i32) (param $dimensions i32)
  (param $rank i32) (param $type i32) (param $data i32) (param $length i32) (param $area i32)
  local.get $context  call $is_context
  local.get $context
  local.get $context  local.get $name  local.get $size  call $find_input
  local.get $dimensions  local.get $rank  local.get $type  local.get $data  local.get $length
  local.get $area  call $set_record)

(func $get_bytes (param $context i32) (param $index i32) (param $area i32)
  (local $tensor i32) (local $errno i32)
  local.get $context  call $is_context
  local.get $context  local.get $index  local.get $area  call $fetch  local.tee $errno
  if $failed  local.get $errno  local.get $area  call $answer  return  end
  local.get $area  i32.load offset=4  local.set $tensor
  local.get $tensor  i32.load offset=20  local.get $tensor  i32.load offset=24
  i32.const 1  local.get $area  i32.const 4  i32.add  call $give
  local.get $tensor  call $tensor_drop
  i32.const 0  local.get $area  call $answer)

(func $get_named_bytes (param $context i32) (param $name i32) (param $length i32) (param $area i32)
  local.get $context  call $is_context
  local.get $context
  local.get $context  local.get $name  local.get $length  call $find_output
  local.get $area  call $get_bytes)
