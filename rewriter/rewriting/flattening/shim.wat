;; wasi:nn by the functions of wasi_ephemeral_nn: what a component's core module imports, one
;; function for each import, and what these call. Handles are addresses of blocks for tensors and
;; contexts, errnos for errors, and the host's numbers plus 1 for graphs, because 0 is no handle.
;;
;; A block begins with its kind, or the next free block, and the binary logarithm of its size. In a
;; tensor: 8 witx's tensor, 28 the type as wasi:nn numbers it, 32 the data, then the dimensions. In a
;; context: 8 the host's context, 12 the name that is input 0 (a block, its length), 20 the same for
;; output 0, 28 how many bytes an output is tried with. In an error: 8 its code, 12 the length of its
;; text, 16 the text.
;;
;; $MADE_CODE, $MADE_DATA and $MADE_DROP are instructions for errors that the program makes, which are
;; left out if it makes none. $STORE_ERROR puts an error into a result, and $ANSWER_NOTHING returns one
;; without a value.

(func $is_inside (param $start i32) (param $length i32)
  local.get $start  i64.extend_i32_u  local.get $length  i64.extend_i32_u  i64.add
  memory.size  i64.extend_i32_u  i64.const $PAGE_SIZE  i64.mul
  i64.gt_u  if $outside  unreachable  end)

(func $is_kind (param $block i32) (param $kind i32)
  local.get $block  i32.load offset=0  local.get $kind  i32.ne  if $other  unreachable  end)

;; The address of the pages that were added, or 0 where there is no more memory.
(func $pages (param $count i32) (result i32) (local $page i32)
  local.get $count  memory.grow  local.tee $page  i32.const -1  i32.eq
  if $none  i32.const 0  return  end
  local.get $page  i32.const $PAGE_BITS  i32.shl)

;; A block for so many bytes with what it begins with, or 0. A page of its own has the lists of free
;; blocks, by the logarithm of their size. The guest's allocator comes first: some take all of the
;; memory at their first call.
(func $new (param $size i32) (result i32)
  (local $log i32) (local $list i32) (local $block i32) (local $end i32)
  local.get $size  i32.const $LARGEST  i32.gt_u  if $large  i32.const 0  return  end
  i32.const 32  local.get $size  i32.const 1  i32.sub  i32.const 63  i32.or  i32.clz  i32.sub  local.set $log
  global.get $kept  i32.eqz
  if $first
    i32.const 0  i32.const 0  i32.const 1  i32.const 1  call $realloc  drop
    i32.const 1  call $pages  local.tee $list  i32.eqz  if $none  i32.const 0  return  end
    local.get $list  global.set $kept
  end
  global.get $kept  local.get $log  i32.const 2  i32.shl  i32.add  local.set $list
  local.get $list  i32.load offset=0  i32.eqz
  if $fill
    i32.const 1  local.get $log  i32.shl  i32.const $PAGE_LAST  i32.add
    i32.const $PAGE_BITS  i32.shr_u  local.tee $end
    call $pages  local.tee $block  i32.eqz  if $none  i32.const 0  return  end
    local.get $end  i32.const $PAGE_BITS  i32.shl  local.get $block  i32.add  local.set $end
    loop $more
      local.get $block  local.get $list  i32.load offset=0  i32.store offset=0
      local.get $list  local.get $block  i32.store offset=0
      local.get $block  i32.const 1  local.get $log  i32.shl  i32.add
      local.tee $block  local.get $end  i32.ne  br_if $more
    end
  end
  local.get $list  i32.load offset=0  local.set $block
  local.get $list  local.get $block  i32.load offset=0  i32.store offset=0
  local.get $block  local.get $log  i32.store offset=4
  local.get $block)

(func $free (param $block i32) (local $list i32)
  global.get $kept  local.get $block  i32.load offset=4  i32.const 2  i32.shl  i32.add
  local.set $list
  local.get $block  local.get $list  i32.load offset=0  i32.store offset=0
  local.get $list  local.get $block  i32.store offset=0)

(func $copy (param $to i32) (param $from i32) (param $length i32)
  local.get $from  local.get $length  call $is_inside
  local.get $to  local.get $length  call $is_inside
  block $done
    loop $eight
      local.get $length  i32.const 8  i32.lt_u  br_if $done
      local.get $to  local.get $from  i64.load offset=0  i64.store offset=0
      local.get $to  i32.const 8  i32.add  local.set $to
      local.get $from  i32.const 8  i32.add  local.set $from
      local.get $length  i32.const 8  i32.sub  local.set $length
      br $eight
    end
  end
  block $done
    loop $one
      local.get $length  i32.eqz  br_if $done
      local.get $to  local.get $from  i32.load8_u offset=0  i32.store8 offset=0
      local.get $to  i32.const 1  i32.add  local.set $to
      local.get $from  i32.const 1  i32.add  local.set $from
      local.get $length  i32.const 1  i32.sub  local.set $length
      br $one
    end
  end)

;; The list that a result area gets: a copy in memory of the guest's.
(func $give (param $from i32) (param $count i32) (param $align i32) (param $area i32)
  (local $bytes i32) (local $to i32)
  local.get $count  local.get $align  i32.mul  local.set $bytes
  local.get $align  local.set $to
  local.get $bytes
  if $some
    i32.const 0  i32.const 0  local.get $align  local.get $bytes  call $realloc  local.tee $to
    i32.eqz  if $none  unreachable  end
    local.get $to  local.get $from  local.get $bytes  call $copy
  end
  local.get $area  local.get $to  i32.store offset=0
  local.get $area  local.get $count  i32.store offset=4)

;; Whether it went well, and the error if not; what was asked for is in its place already.
(func $answer (param $errno i32) (param $area i32)
  local.get $errno
  if $failed  local.get $area  local.get $errno  $STORE_ERROR  end
  local.get $area  local.get $errno  i32.const 0  i32.ne  i32.store8 offset=0)

(func $is_tensor (param $tensor i32)
  local.get $tensor  i32.const $IS_TENSOR  call $is_kind)

(func $is_context (param $context i32)
  local.get $context  i32.const $IS_CONTEXT  call $is_kind)

(func $tensor_new
  (param $dimensions i32) (param $rank i32) (param $type i32) (param $data i32) (param $length i32)
  (result i32) (local $tensor i32) (local $at i32)
  local.get $type  i32.const 6  i32.gt_u  if $unknown  unreachable  end
  local.get $rank  i32.const $MOST_DIMENSIONS  i32.gt_u  if $many  unreachable  end
  local.get $length  i32.const $LARGEST  i32.gt_u  if $large  unreachable  end
  local.get $length  i32.const 3  i32.add  i32.const -4  i32.and  local.tee $at
  local.get $rank  i32.const 2  i32.shl  i32.add  i32.const 32  i32.add
  call $new  local.tee $tensor  i32.eqz  if $none  unreachable  end
  local.get $tensor  i32.const 32  i32.add  local.get $data  local.get $length  call $copy
  local.get $tensor  i32.const 32  i32.add  local.get $at  i32.add  local.tee $at
  local.get $dimensions  local.get $rank  i32.const 2  i32.shl  call $copy
  local.get $tensor  i32.const $IS_TENSOR  i32.store offset=0
  local.get $tensor  local.get $at  i32.store offset=8
  local.get $tensor  local.get $rank  i32.store offset=12
  local.get $tensor  local.get $type  local.get $type  i32.const 3  i32.gt_u  i32.sub
  i32.store offset=16
  local.get $tensor  local.get $tensor  i32.const 32  i32.add  i32.store offset=20
  local.get $tensor  local.get $length  i32.store offset=24
  local.get $tensor  local.get $type  i32.store offset=28
  local.get $tensor)

(func $tensor_dimensions (param $tensor i32) (param $area i32)
  local.get $tensor  call $is_tensor
  local.get $tensor  i32.load offset=8  local.get $tensor  i32.load offset=12
  i32.const 4  local.get $area  call $give)

(func $tensor_ty (param $tensor i32) (result i32)
  local.get $tensor  call $is_tensor
  local.get $tensor  i32.load offset=28)

(func $tensor_data (param $tensor i32) (param $area i32)
  local.get $tensor  call $is_tensor
  local.get $tensor  i32.load offset=20  local.get $tensor  i32.load offset=24
  i32.const 1  local.get $area  call $give)

(func $tensor_drop (param $tensor i32)
  local.get $tensor  call $is_tensor
  local.get $tensor  call $free)

;; witx has no ggml, and its number for autodetect is one less, unless the program has no ggml either.
(func $load
  (param $builder i32) (param $count i32) (param $encoding i32) (param $target i32)
  (param $area i32) (local $errno i32)
  local.get $encoding  i32.const $LAST_ENCODING  i32.gt_u  if $unknown  unreachable  end
  local.get $target  i32.const 2  i32.gt_u  if $unknown  unreachable  end
  i32.const $INVALID_ENCODING  local.set $errno
  local.get $encoding  i32.const $GGML  i32.ne
  if $known
    local.get $builder  local.get $count
    local.get $encoding  local.get $encoding  i32.const $GGML  i32.gt_u  i32.sub
    local.get $target  local.get $area  i32.const 4  i32.add  call $host_load  local.set $errno
  end
  local.get $errno  local.get $area  call $graph)

(func $load_by_name (param $name i32) (param $length i32) (param $area i32)
  local.get $name  local.get $length  local.get $area  i32.const 4  i32.add
  call $host_load_by_name  local.get $area  call $graph)

(func $graph (param $errno i32) (param $area i32)
  local.get $area  local.get $area  i32.load offset=4  i32.const 1  i32.add  i32.store offset=4
  local.get $errno  local.get $area  call $answer)

(func $init_execution_context (param $graph i32) (param $area i32)
  (local $context i32) (local $errno i32)
  local.get $graph  i32.eqz  if $none  unreachable  end
  local.get $graph  i32.const 1  i32.sub  local.get $area  i32.const 4  i32.add
  call $host_init_execution_context  local.tee $errno
  if $failed  local.get $errno  local.get $area  call $answer  return  end
  i32.const 32  call $new  local.tee $context  i32.eqz  if $none  unreachable  end
  local.get $context  i32.const $IS_CONTEXT  i32.store offset=0
  local.get $context  local.get $area  i32.load offset=4  i32.store offset=8
  local.get $context  i32.const 0  i32.store offset=12
  local.get $context  i32.const 0  i32.store offset=20
  local.get $context  i32.const $OUTPUT_FIRST  i32.store offset=28
  local.get $area  local.get $context  i32.store offset=4
  i32.const 0  local.get $area  call $answer)

(func $context_drop (param $context i32) (local $name i32)
  local.get $context  call $is_context
  local.get $context  i32.load offset=12  local.tee $name
  if $named  local.get $name  call $free  end
  local.get $context  i32.load offset=20  local.tee $name
  if $named  local.get $name  call $free  end
  local.get $context  call $free)

;; Graphs, which the host keeps.
(func $nothing (param $handle i32))

(func $error_new (param $code i32) (param $text i32) (param $length i32) (result i32)
  (local $error i32)
  local.get $code  i32.const 8  i32.gt_u  if $unknown  unreachable  end
  local.get $length  i32.const $LARGEST  i32.gt_u  if $large  unreachable  end
  local.get $length  i32.const 16  i32.add  call $new  local.tee $error
  i32.eqz  if $none  unreachable  end
  local.get $error  i32.const 16  i32.add  local.get $text  local.get $length  call $copy
  local.get $error  i32.const $IS_ERROR  i32.store offset=0
  local.get $error  local.get $code  i32.store offset=8
  local.get $error  local.get $length  i32.store offset=12
  local.get $error)

(func $is_error (param $error i32)
  local.get $error  i32.const $IS_ERROR  call $is_kind)

(func $error_drop (param $errno i32)
  $MADE_DROP)

;; What a name of one to nine decimal digits stands for, -1 for another.
(func $decimal (param $name i32) (param $length i32) (result i32)
  (local $number i32) (local $digit i32)
  local.get $name  local.get $length  call $is_inside
  local.get $length  i32.const 1  i32.sub  i32.const 9  i32.ge_u
  if $none  i32.const -1  return  end
  loop $next
    local.get $name  i32.load8_u offset=0  i32.const 48  i32.sub  local.tee $digit
    i32.const 10  i32.ge_u  if $other  i32.const -1  return  end
    local.get $number  i32.const 10  i32.mul  local.get $digit  i32.add  local.set $number
    local.get $name  i32.const 1  i32.add  local.set $name
    local.get $length  i32.const 1  i32.sub  local.tee $length  br_if $next
  end
  local.get $number)

;; The index of a name: a decimal one is the index, the first other one is 0, and any more are -1.
;; Which one was the first is at `known`.
(func $index (param $known i32) (param $name i32) (param $length i32) (result i32)
  (local $index i32) (local $block i32) (local $at i32)
  local.get $name  local.get $length  call $decimal  local.tee $index  i32.const -1  i32.ne
  if $number  local.get $index  return  end
  local.get $known  i32.load offset=0  local.tee $block  i32.eqz
  if $first
    local.get $length  i32.const $LARGEST  i32.gt_u  if $large  unreachable  end
    local.get $length  i32.const 8  i32.add  call $new  local.tee $block
    i32.eqz  if $none  unreachable  end
    local.get $block  i32.const 8  i32.add  local.get $name  local.get $length  call $copy
    local.get $known  local.get $block  i32.store offset=0
    local.get $known  local.get $length  i32.store offset=4
  end
  local.get $known  i32.load offset=4  local.get $length  i32.ne
  if $other  i32.const -1  return  end
  block $same
    loop $next
      local.get $at  local.get $length  i32.eq  br_if $same
      local.get $block  local.get $at  i32.add  i32.load8_u offset=8
      local.get $name  local.get $at  i32.add  i32.load8_u offset=0
      i32.ne  if $other  i32.const -1  return  end
      local.get $at  i32.const 1  i32.add  local.set $at
      br $next
    end
  end
  i32.const 0)

(func $set (param $context i32) (param $index i32) (param $tensor i32) (result i32)
  local.get $tensor  call $is_tensor
  local.get $index  i32.const -1  i32.eq  if $unknown  i32.const $INVALID_ARGUMENT  return  end
  local.get $tensor  i32.load offset=28  i32.const $BF16  i32.eq
  if $unsupported  i32.const $UNSUPPORTED_OPERATION  return  end
  local.get $context  i32.load offset=8  local.get $index
  local.get $tensor  i32.const 8  i32.add  call $host_set_input)

(func $set_input
  (param $context i32) (param $name i32) (param $length i32) (param $tensor i32) (param $area i32)
  (local $errno i32)
  local.get $context  call $is_context
  local.get $context
  local.get $context  local.get $name  local.get $length  call $find_input
  local.get $tensor  call $set  local.set $errno
  local.get $tensor  call $tensor_drop
  local.get $errno  local.get $area  $ANSWER_NOTHING)

(func $compute (param $context i32) (param $area i32)
  local.get $context  call $is_context
  local.get $context  i32.load offset=8  call $host_compute  local.get $area  $ANSWER_NOTHING)

;; Puts an output into a tensor, and its handle to `area` + 4. A buffer that is filled to its end may
;; hold only the beginning: not every host says that it was too small.
(func $fetch (param $context i32) (param $index i32) (param $area i32) (result i32)
  (local $size i32) (local $tensor i32) (local $errno i32) (local $length i32) (local $dimensions i32)
  local.get $index  i32.const -1  i32.eq  if $unknown  i32.const $INVALID_ARGUMENT  return  end
  local.get $context  i32.load offset=28  local.set $size
  block $done
    loop $again
      local.get $size  i32.const $OUTPUT_AROUND  i32.add  call $new  local.tee $tensor  i32.eqz
      if $none
        local.get $errno  i32.eqz
        if $first  i32.const $TOO_LARGE  local.set $errno  end
        local.get $errno  return
      end
      local.get $tensor  i32.const 0  i32.store offset=24
      local.get $context  i32.load offset=8  local.get $index
      local.get $tensor  i32.const 32  i32.add  local.get $size
      local.get $tensor  i32.const 24  i32.add  call $host_get_output  local.set $errno
      local.get $tensor  i32.load offset=24  local.set $length
      local.get $errno  i32.eqz  local.get $length  local.get $size  i32.lt_u  i32.and
      br_if $done
      local.get $tensor  call $free
      local.get $errno  i32.eqz
      if $full  i32.const $TOO_LARGE  local.set $errno  end
      local.get $size  i32.const $OUTPUT_LARGEST  i32.ge_u
      if $enough  local.get $errno  return  end
      local.get $size  i32.const 1  i32.shl  i32.const $OUTPUT_AROUND  i32.add  local.set $size
      br $again
    end
  end
  local.get $context  local.get $size  i32.store offset=28
  local.get $tensor  i32.const 32  i32.add  local.get $length  i32.const 3  i32.add
  i32.const -4  i32.and  i32.add  local.set $dimensions
  local.get $tensor  i32.const $IS_TENSOR  i32.store offset=0
  local.get $tensor  local.get $dimensions  i32.store offset=8
  local.get $tensor  i32.const 2  i32.store offset=12
  local.get $tensor  local.get $tensor  i32.const 32  i32.add  i32.store offset=20
  local.get $dimensions  i32.const 1  i32.store offset=0
  local.get $length  i32.const 3  i32.and
  if $bytes
    local.get $tensor  i32.const 3  i32.store offset=16
    local.get $tensor  i32.const 4  i32.store offset=28
    local.get $dimensions  local.get $length  i32.store offset=4
  end
  local.get $length  i32.const 3  i32.and  i32.eqz
  if $floats
    local.get $tensor  i32.const 1  i32.store offset=16
    local.get $tensor  i32.const 1  i32.store offset=28
    local.get $dimensions  local.get $length  i32.const 2  i32.shr_u  i32.store offset=4
  end
  local.get $area  local.get $tensor  i32.store offset=4
  i32.const 0)

(func $get_output (param $context i32) (param $name i32) (param $length i32) (param $area i32)
  local.get $context  call $is_context
  local.get $context
  local.get $context  local.get $name  local.get $length  call $find_output
  local.get $area  call $fetch
  local.get $area  call $answer)

;; The index of an input in compute's list: of several whose names are guessed, none is the one that
;; has another name.
(func $index_of (param $context i32) (param $input i32) (param $count i32) (result i32)
  local.get $count  i32.const 1  i32.ne  i32.const $GUESSES  i32.and
  if $several
    local.get $input  i32.load offset=0  local.get $input  i32.load offset=4  call $decimal
    return
  end
  local.get $context
  local.get $input  i32.load offset=0  local.get $input  i32.load offset=4  call $find_input)

;; Puts the handles of the first outputs into a list, and the errno of the first that fails back; then
;; the list has nothing.
(func $fetch_all (param $context i32) (param $handles i32) (param $area i32) (result i32)
  (local $index i32) (local $errno i32)
  block $done
    loop $next
      local.get $index  i32.const $OUTPUTS  i32.eq  br_if $done
      local.get $context  local.get $index  local.get $area  call $fetch  local.tee $errno
      br_if $done
      local.get $handles  local.get $index  i32.const 2  i32.shl  i32.add
      local.get $area  i32.load offset=4  i32.store offset=8
      local.get $index  i32.const 1  i32.add  local.set $index
      br $next
    end
  end
  local.get $errno  i32.eqz  if $all  i32.const 0  return  end
  block $dropped
    loop $before
      local.get $index  i32.eqz  br_if $dropped
      local.get $index  i32.const 1  i32.sub  local.set $index
      local.get $handles  local.get $index  i32.const 2  i32.shl  i32.add  i32.load offset=8
      call $tensor_drop
      br $before
    end
  end
  local.get $errno)

;; The list that compute returns: names and tensors.
(func $give_outputs (param $handles i32) (param $area i32)
  (local $list i32) (local $index i32) (local $at i32)
  i32.const 0  i32.const 0  i32.const 4  i32.const $OUTPUTS  i32.const 12  i32.mul
  call $realloc  local.tee $list  i32.eqz  if $none  unreachable  end
  local.get $list  local.set $at
  block $done
    loop $next
      local.get $index  i32.const $OUTPUTS  i32.eq  br_if $done
      local.get $index  local.get $at  call $output_name
      local.get $at
      local.get $handles  local.get $index  i32.const 2  i32.shl  i32.add  i32.load offset=8
      i32.store offset=8
      local.get $at  i32.const 12  i32.add  local.set $at
      local.get $index  i32.const 1  i32.add  local.set $index
      br $next
    end
  end
  local.get $area  local.get $list  i32.store offset=4
  local.get $area  i32.const $OUTPUTS  i32.store offset=8
  local.get $area  i32.const 0  i32.store8 offset=0)

;; Nothing is set unless all names are known; the tensors are used up in any case.
(func $compute_named (param $context i32) (param $inputs i32) (param $count i32) (param $area i32)
  (local $input i32) (local $end i32) (local $errno i32) (local $handles i32)
  local.get $context  call $is_context
  local.get $count  i32.const $MOST_INPUTS  i32.gt_u  if $many  unreachable  end
  local.get $inputs  local.get $count  i32.const 12  i32.mul  call $is_inside
  local.get $inputs  local.get $count  i32.const 12  i32.mul  i32.add  local.set $end
  local.get $inputs  local.set $input
  block $done
    loop $next
      local.get $input  local.get $end  i32.eq  br_if $done
      local.get $input  i32.load offset=8  call $is_tensor
      local.get $context  local.get $input  local.get $count  call $index_of
      i32.const -1  i32.eq  if $unknown  i32.const $INVALID_ARGUMENT  local.set $errno  end
      local.get $input  i32.const 12  i32.add  local.set $input
      br $next
    end
  end
  local.get $inputs  local.set $input
  block $done
    loop $next
      local.get $input  local.get $end  i32.eq  br_if $done
      local.get $errno  br_if $done
      local.get $context
      local.get $context  local.get $input  local.get $count  call $index_of
      local.get $input  i32.load offset=8  call $set  local.set $errno
      local.get $input  i32.const 12  i32.add  local.set $input
      br $next
    end
  end
  local.get $inputs  local.set $input
  block $done
    loop $next
      local.get $input  local.get $end  i32.eq  br_if $done
      local.get $input  i32.load offset=8  call $tensor_drop
      local.get $input  i32.const 12  i32.add  local.set $input
      br $next
    end
  end
  local.get $errno  i32.eqz
  if $set  local.get $context  i32.load offset=8  call $host_compute  local.set $errno  end
  i32.const $OUTPUTS  i32.const 2  i32.shl  i32.const 8  i32.add  call $new  local.tee $handles
  i32.eqz  if $none  unreachable  end
  local.get $errno  i32.eqz
  if $computed
    local.get $context  local.get $handles  local.get $area  call $fetch_all  local.set $errno
  end
  local.get $errno
  if $failed  local.get $errno  local.get $area  call $answer  end
  local.get $errno  i32.eqz
  if $well  local.get $handles  local.get $area  call $give_outputs  end
  local.get $handles  call $free)

;; From witx's errnos 1, 2, 5, 6, 7 and 8 to 0, 1, 3, 4, 5 and 6; 8 is an unknown error.
(func $error_code (param $errno i32) (result i32)
  $MADE_CODE
  local.get $errno  i32.const 2  i32.gt_u
  if $other
    local.get $errno  i32.const 5  i32.lt_u  if $unknown  i32.const 8  return  end
    local.get $errno  i32.const 8  i32.gt_u  if $unknown  i32.const 8  return  end
    local.get $errno  i32.const 2  i32.sub  return
  end
  local.get $errno  i32.const 1  i32.sub)

(func $error_data (param $errno i32) (param $area i32)
  $MADE_DATA
  local.get $area  i32.const 1  i32.store offset=0
  local.get $area  i32.const 0  i32.store offset=4)
