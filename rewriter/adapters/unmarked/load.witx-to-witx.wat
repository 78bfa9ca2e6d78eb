;; load, if only the encodings are numbered differently. ENCODINGS has a case for each encoding of the
;; guest.
(func (param $builders i32) (param $builders_len i32) (param $encoding i32) (param $target i32)
  (param $graph_out i32) (result i32)
  (local $memory_end i64) (local $end i64)
  memory.size  i64.extend_i32_u  i64.const $PAGE_SIZE  i64.mul  local.set $memory_end
  block $known
    $ENCODINGS
    i32.const $INVALID_ENCODING  return
  end
  local.get $builders  local.get $builders_len
  local.get $encoding  local.get $target  local.get $graph_out  call $host)
