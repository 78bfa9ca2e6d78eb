;; The memory of a shim. A block has 2^n bytes, of which the first eight are the shim's own: n, and
;; in a free block the next free one. Lists of free blocks begin at 4 n.

(func $new (param $size i32) (result i32)
  (local $class i32) (local $block i32) (local $end i32)
  local.get $size  i32.const $LARGEST  i32.gt_u  if $large  unreachable  end
  i32.const 32  local.get $size  i32.const 7  i32.add  i32.clz  i32.sub  local.set $class
  local.get $class  i32.const 4  i32.lt_u  if $small  i32.const 4  local.set $class  end
  local.get $class  i32.const 2  i32.shl  i32.load offset=0  local.tee $block
  if $found
    local.get $class  i32.const 2  i32.shl  local.get $block  i32.load offset=4
    i32.store offset=0
    local.get $block  i32.const 8  i32.add  return
  end
  i32.const 0  i32.load offset=$TOP  local.tee $block  i32.eqz
  if $first  i32.const $FIRST  local.set $block  end
  local.get $block  i32.const 1  local.get $class  i32.shl  i32.add  local.tee $end
  local.get $block  i32.lt_u  if $wrapped  unreachable  end
  local.get $end  i32.const 1  i32.sub  i32.const $PAGE_BITS  i32.shr_u
  memory.size  i32.ge_u
  if $more
    local.get $end  i32.const 1  i32.sub  i32.const $PAGE_BITS  i32.shr_u  i32.const 1  i32.add
    memory.size  i32.sub  memory.grow  i32.const -1  i32.eq  if $none  unreachable  end
  end
  i32.const 0  local.get $end  i32.store offset=$TOP
  local.get $block  local.get $class  i32.store offset=0
  local.get $block  i32.const 8  i32.add)

(func $free (param $at i32) (local $list i32)
  local.get $at  i32.const 8  i32.sub  local.tee $at
  i32.load offset=0  i32.const 2  i32.shl  local.set $list
  local.get $at  local.get $list  i32.load offset=0  i32.store offset=4
  local.get $list  local.get $at  i32.store offset=0)

;; What has no bytes was never allocated, and the texts of the module are not freed.
(func $free_list (param $at i32) (param $length i32)
  local.get $length  i32.eqz  if $empty  return  end
  local.get $at  i32.const $FIRST  i32.lt_u  if $constant  return  end
  local.get $at  call $free)

;; For the host, which only asks for new memory.
(func $realloc (param $old i32) (param $size i32) (param $align i32) (param $wanted i32)
  (result i32)
  local.get $size  if $again  unreachable  end
  local.get $wanted  i32.eqz  if $empty  local.get $align  return  end
  local.get $wanted  call $new)

(func $no_realloc (param $old i32) (param $size i32) (param $align i32) (param $wanted i32)
  (result i32)
  unreachable)
