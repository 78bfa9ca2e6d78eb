;; A configuration that would be ignored is refused.
local.get $config_len
if $given  i32.const $UNSUPPORTED_OPERATION  return  end
