;; set_input: passes the host a tensor in its own layout and the structure that it points to, which
;; comes first. Both are in borrowed bytes that overlap neither the dimensions nor the data.
;; TELLS_TYPE determines the type if the guest's numbering is unknown. TYPES has a case for each type
;; of the guest, which sets the length to the size of one element in bytes.
(func (param $context i32) (param $index i32) (param $tensor i32) (result i32)
  (local $errno i32) (local $scratch i32) (local $saved_16 i32)
  (local $dimensions i32) (local $rank i32) (local $type i32) (local $data i32)
  (local $memory_end i64) (local $at i64) (local $saved i64) (local $saved_8 i64)
  (local $length i64) (local $dimension i64) (local $count i64)
  (local $dimensions_start i64) (local $dimensions_end i64)
  (local $data_start i64) (local $data_end i64)
  memory.size  i64.extend_i32_u  i64.const $PAGE_SIZE  i64.mul  local.set $memory_end
  local.get $tensor  i64.extend_i32_u  i64.const $TENSOR_SIZE  i64.add
  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end
  local.get $tensor  i32.load offset=$TENSOR_DIMENSIONS  local.set $dimensions
  local.get $tensor  i32.load offset=$TENSOR_RANK  local.set $rank
  local.get $tensor  i32.load8_u offset=$TENSOR_TYPE  local.set $type
  local.get $tensor  i32.load offset=$TENSOR_DATA  local.set $data
  local.get $dimensions  i64.extend_i32_u  local.tee $dimensions_start
  local.get $rank  i64.extend_i32_u  i64.const $U32_SIZE  i64.mul
  i64.add  local.set $dimensions_end
  $TELLS_TYPE
  block $known
    $TYPES
    i32.const $INVALID_ARGUMENT  return
  end
  $ONLY_FLOATS

  ;; Multiply the length by every dimension, at most up to 2^32, because no memory is larger.
  local.get $dimensions_end  local.get $memory_end  i64.gt_u
  if $outside  i32.const $INVALID_ARGUMENT  return  end
  local.get $dimensions_start  local.set $dimension
  loop $each
    local.get $dimension  local.get $dimensions_end  i64.lt_u
    if $more
      local.get $length  local.get $dimension  i32.wrap_i64  i64.load32_u offset=0  i64.mul
      local.tee $length  i64.const 0x1_0000_0000  i64.gt_u
      if $saturates  i64.const 0x1_0000_0000  local.set $length  end
      local.get $dimension  i64.const $U32_SIZE  i64.add  local.set $dimension
      br $each
    end
  end
  local.get $length  local.get $tensor  i64.load32_u offset=$TENSOR_LENGTH  i64.ne
  if $differs  i32.const $INVALID_ARGUMENT  return  end
  local.get $data  i64.extend_i32_u  local.tee $data_start
  local.get $length  i64.add  local.set $data_end

  ;; If the scratch bytes overlap a buffer, the search continues at the next multiple of eight after it.
  i64.const $FIRST_SCRATCH  local.set $at
  loop $search
    local.get $at  local.get $dimensions_end  i64.lt_u
    local.get $dimensions_start  local.get $at  i64.const $SHOWN_SIZE  i64.add  i64.lt_u
    i32.and
    if $touches
      local.get $dimensions_end  i64.const 7  i64.add  i64.const -8  i64.and  local.set $at
      br $search
    end
    local.get $at  local.get $data_end  i64.lt_u
    local.get $data_start  local.get $at  i64.const $SHOWN_SIZE  i64.add  i64.lt_u
    i32.and
    if $touches
      local.get $data_end  i64.const 7  i64.add  i64.const -8  i64.and  local.set $at
      br $search
    end
  end
  local.get $at  i64.const $SHOWN_SIZE  i64.add  local.get $memory_end  i64.gt_u
  if $none  i32.const $INVALID_ARGUMENT  return  end
  local.get $at  i32.wrap_i64  local.set $scratch

  ;; Save 20 bytes, in parts of 8, 8 and 4.
  local.get $scratch  i64.load offset=0  local.set $saved
  local.get $scratch  i64.load offset=8  local.set $saved_8
  local.get $scratch  i32.load offset=16  local.set $saved_16
  local.get $scratch  local.get $dimensions  i32.store offset=$WAMR_DIMENSIONS_POINTER
  local.get $scratch  local.get $rank  i32.store offset=$WAMR_DIMENSIONS_RANK
  local.get $scratch  local.get $scratch  i32.store offset=$SHOWN_DIMENSIONS
  local.get $scratch  local.get $type  i32.store offset=$SHOWN_TYPE
  local.get $scratch  local.get $data  i32.store offset=$SHOWN_DATA
  local.get $context  local.get $index
  local.get $scratch  i32.const $SHOWN_TENSOR  i32.add  call $host  $ERRNOS
  local.set $errno
  local.get $scratch  local.get $saved  i64.store offset=0
  local.get $scratch  local.get $saved_8  i64.store offset=8
  local.get $scratch  local.get $saved_16  i32.store offset=16
  local.get $errno)
