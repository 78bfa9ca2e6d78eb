;; The number of an encoding for the host: some programs do not know ggml, which comes before the
;; last one.

(func $encoding (param $encoding i32) (result i32)
  local.get $encoding  i32.const $LAST_ENCODING  i32.gt_u  if $unknown  unreachable  end
  local.get $encoding
  local.get $encoding  i32.const $GGML  i32.ge_u  i32.const $LACKS_GGML  i32.and  i32.add)
