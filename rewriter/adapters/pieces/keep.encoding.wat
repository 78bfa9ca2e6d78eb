local.get $encoding  i32.const 1  i32.add  local.set $keep
