;; The guest's memory: the functions whose names begin with $guest_ use it.

(func $guest_load8 (param $at i32) (result i32)  local.get $at  i32.load8_u offset=0)
(func $guest_load (param $at i32) (result i32)  local.get $at  i32.load offset=0)
(func $guest_store8 (param $at i32) (param $value i32)
  local.get $at  local.get $value  i32.store8 offset=0)
(func $guest_store (param $at i32) (param $value i32)
  local.get $at  local.get $value  i32.store offset=0)

;; What the canonical ABI checks, the shim has to check: it stops the guest where that does.

(func $check_aligned (param $at i32)
  local.get $at  i32.const 3  i32.and  if $unaligned  unreachable  end)

;; The last byte of a result of eight or twelve bytes.
(func $guest_eighth (param $at i32) (result i32)  local.get $at  i32.load8_u offset=7)
(func $guest_twelfth (param $at i32) (result i32)  local.get $at  i32.load8_u offset=11)

(func $check_area (param $at i32)
  local.get $at  call $check_aligned
  local.get $at  call $guest_eighth  drop)

(func $check_large_area (param $at i32)
  local.get $at  call $check_aligned
  local.get $at  call $guest_twelfth  drop)

;; Reading the bytes stops at the end of memory, unless the addresses start again at 0.
(func $check_range (param $at i32) (param $length i32)
  local.get $length  i32.eqz
  if $empty
    local.get $at  if $behind  local.get $at  i32.const 1  i32.sub  call $guest_load8  drop  end
    return
  end
  local.get $at  local.get $length  i32.add  i32.const 1  i32.sub  local.get $at  i32.lt_u
  if $wrapped  unreachable  end)

;; https://www.unicode.org/versions/Unicode16.0.0/core-spec/chapter-3/#G27288 has the ranges.
(func $check_text (param $at i32) (param $length i32)
  (local $byte i32) (local $more i32) (local $low i32) (local $high i32)
  local.get $at  local.get $length  call $check_range
  local.get $length  i32.eqz  if $empty  return  end
  loop $next
    local.get $at  call $guest_load8  local.set $byte
    local.get $at  i32.const 1  i32.add  local.set $at
    local.get $length  i32.const 1  i32.sub  local.set $length
    local.get $byte  i32.const 0x80  i32.ge_u
    if $longer
      local.get $byte  i32.const 0xc2  i32.lt_u  if $no_first  unreachable  end
      local.get $byte  i32.const 0xf4  i32.gt_u  if $no_first  unreachable  end
      i32.const 0x80  local.set $low
      i32.const 0xbf  local.set $high
      i32.const 1  local.set $more
      local.get $byte  i32.const 0xe0  i32.ge_u  if $three  i32.const 2  local.set $more  end
      local.get $byte  i32.const 0xf0  i32.ge_u  if $four  i32.const 3  local.set $more  end
      local.get $byte  i32.const 0xe0  i32.eq  if $e0  i32.const 0xa0  local.set $low  end
      local.get $byte  i32.const 0xed  i32.eq  if $ed  i32.const 0x9f  local.set $high  end
      local.get $byte  i32.const 0xf0  i32.eq  if $f0  i32.const 0x90  local.set $low  end
      local.get $byte  i32.const 0xf4  i32.eq  if $f4  i32.const 0x8f  local.set $high  end
      loop $rest
        local.get $length  i32.eqz  if $cut  unreachable  end
        local.get $at  call $guest_load8  local.tee $byte
        local.get $low  i32.lt_u  if $no_rest  unreachable  end
        local.get $byte  local.get $high  i32.gt_u  if $no_rest  unreachable  end
        i32.const 0x80  local.set $low
        i32.const 0xbf  local.set $high
        local.get $at  i32.const 1  i32.add  local.set $at
        local.get $length  i32.const 1  i32.sub  local.set $length
        local.get $more  i32.const 1  i32.sub  local.tee $more  br_if $rest
      end
    end
    local.get $length  br_if $next
  end)

;; A copy of bytes of the guest, in the shim's memory.
(func $copied (param $from i32) (param $length i32) (result i32) (local $new i32) (local $at i32)
  local.get $from  local.get $length  call $check_range
  local.get $length  i32.eqz  if $empty  i32.const 0  return  end
  local.get $length  call $new  local.set $new
  loop $next
    local.get $new  local.get $at  i32.add
    local.get $from  local.get $at  i32.add  call $guest_load8  i32.store8 offset=0
    local.get $at  i32.const 1  i32.add  local.tee $at  local.get $length  i32.ne  br_if $next
  end
  local.get $new)

;; A copy of bytes of the shim in memory that the guest gives, and where it is into `area`. Unlike
;; the canonical ABI, this does not stop a guest whose realloc calls wasi:nn.
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
