;; load, if only the encodings are numbered differently. PARAMETERS and ARGUMENTS are those of the
;; layout. ENCODINGS has a case for each encoding of the guest. ONE_BACKEND and KEPT are as in
;; load.units.wat.
(func $PARAMETERS (result i32)
  (local $errno i32) (local $keep i32) (local $memory_end i64)
  memory.size  i64.extend_i32_u  i64.const $PAGE_SIZE  i64.mul  local.set $memory_end
  block $known
    $ENCODINGS
    i32.const $INVALID_ENCODING  return
  end
  $ONE_BACKEND
  $ARGUMENTS  call $host  $ERRNOS
  $KEPT)
