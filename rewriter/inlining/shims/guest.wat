;; The guest's memory: the functions whose names begin with $guest_ use it.

(func $guest_load8 (param $at i32) (result i32)  local.get $at  i32.load8_u offset=0)
(func $guest_load (param $at i32) (result i32)  local.get $at  i32.load offset=0)
(func $guest_store8 (param $at i32) (param $value i32)
  local.get $at  local.get $value  i32.store8 offset=0)
(func $guest_store (param $at i32) (param $value i32)
  local.get $at  local.get $value  i32.store offset=0)

(func $check_aligned (param $at i32)
  local.get $at  i32.const 3  i32.and  if $unaligned  unreachable  end)

;; A copy of bytes of the guest, in the shim's memory.
(func $copied (param $from i32) (param $length i32) (result i32) (local $new i32) (local $at i32)
  local.get $length  i32.eqz  if $empty  i32.const 0  return  end
  local.get $length  call $new  local.set $new
  loop $next
    local.get $new  local.get $at  i32.add
    local.get $from  local.get $at  i32.add  call $guest_load8  i32.store8 offset=0
    local.get $at  i32.const 1  i32.add  local.tee $at  local.get $length  i32.ne  br_if $next
  end
  local.get $new)

;; A copy of bytes of the shim in memory that the guest gives, and where it is into `area`.
(func $give (param $from i32) (param $length i32) (param $area i32) (local $to i32) (local $at i32)
  i32.const 1  local.set $to
  block $done
    local.get $length  i32.eqz  br_if $done
    i32.const 0  i32.const 0  i32.const 1  local.get $length  call $guest_realloc  local.set $to
    loop $next
      local.get $to  local.get $at  i32.add
      local.get $from  local.get $at  i32.add  i32.load8_u offset=0  call $guest_store8
      local.get $at  i32.const 1  i32.add  local.tee $at  local.get $length  i32.ne  br_if $next
    end
  end
  local.get $area  local.get $to  call $guest_store
  local.get $area  i32.const 4  i32.add  local.get $length  call $guest_store)

;; An error of the host or of the shim, as what a function returns.
(func $fail (param $error i32) (param $area i32)
  local.get $area  i32.const 4  i32.add  local.get $error  call $guest_store
  local.get $area  i32.const 1  call $guest_store8)
