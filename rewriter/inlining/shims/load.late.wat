;; A program that does not know ggml, with errors as the host has them.

(func $load
  (param $builders i32) (param $count i32) (param $encoding i32) (param $target i32)
  (param $area i32)
  local.get $builders  local.get $count  local.get $encoding  call $encoding
  local.get $target  local.get $area  call $host_load)
