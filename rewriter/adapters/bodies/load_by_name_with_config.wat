;; Without a configuration it is load_by_name; one that would be ignored is refused.
(func (param $name i32) (param $name_len i32) (param $config i32) (param $config_len i32)
  (param $graph_out i32) (result i32)
  (local $errno i32)
  local.get $config_len
  if $given  i32.const $UNSUPPORTED_OPERATION  return  end
  local.get $name  local.get $name_len  local.get $graph_out  call $host  $ERRNOS)
