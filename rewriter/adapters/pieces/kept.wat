;; Takes the errno, and leaves it.
local.tee $errno  i32.eqz
if $loaded  local.get $keep  global.set $kept  end
local.get $errno
