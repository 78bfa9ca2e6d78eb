;; Stores the encoding if the model was loaded. Leaves the errno on the stack.
local.tee $errno  i32.eqz
if $loaded  local.get $keep  global.set $kept  end
local.get $errno
