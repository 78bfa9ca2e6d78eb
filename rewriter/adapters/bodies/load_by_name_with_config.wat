;; Calls load_by_name. Refuses a configuration, because it would be ignored.
(func (param $name i32) (param $name_len i32) (param $config i32) (param $config_len i32)
  (param $graph_out i32) (result i32)
  (local $errno i32)
  local.get $config_len
  if $given  i32.const $UNSUPPORTED_OPERATION  return  end
  local.get $name  local.get $name_len  local.get $graph_out  call $host  $ERRNOS)
