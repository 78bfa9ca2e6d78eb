;; load: passes the fields of the guest's structure of builders as separate arguments. ENCODINGS has a
;; case for each encoding of the guest. ONE_BACKEND and KEPT are as in load.units.wat.
(func (param $builder_array i32) (param $encoding i32) (param $target i32) (param $graph_out i32)
  (result i32)
  (local $errno i32) (local $keep i32) (local $builders i32) (local $builders_len i32)
  (local $memory_end i64)
  memory.size  i64.extend_i32_u  i64.const $PAGE_SIZE  i64.mul  local.set $memory_end
  local.get $builder_array  i64.extend_i32_u  i64.const $WAMR_BUILDERS_SIZE  i64.add
  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end
  local.get $builder_array  i32.load offset=$WAMR_BUILDERS_POINTER  local.set $builders
  local.get $builder_array  i32.load offset=$WAMR_BUILDERS_COUNT  local.set $builders_len
  block $known
    $ENCODINGS
    i32.const $INVALID_ENCODING  return
  end
  $ONE_BACKEND
  local.get $builders  local.get $builders_len
  local.get $encoding  local.get $target  local.get $graph_out  call $host  $ERRNOS
  $KEPT)
