;; Refuses a configuration, because it would be ignored.
local.get $config_len
if $given  i32.const $UNSUPPORTED_OPERATION  return  end
