;; wasi_ephemeral_nn by the functions of wasi:nn@0.2.0-rc-2024-10-28, in the memory of the guest.
;; The names in capitals are filled in by rewriter.rewriting.making.adapter.
;;
;; A page of its own, at $base, has:
;;   0 the result area, 16 bytes   16 lists of free blocks, by the logarithm of their size
;;   144 the graphs   148 the contexts   152 the blocks that one call of compute has got
;;
;; A block has 8 bytes before its content: the next one in its list, and the logarithm of its size.
;;
;; A graph or context: 0 the next one, 4 its number in the guest, 8 its handle. A context also has
;;   12 its inputs   16 the list of named outputs   20 how many   24 the blocks of that list
;; An input: 0 the next one, 4 its index, 8 its type as wasi:nn numbers it (-1: not set),
;;   12 the dimensions   16 how many   20 the data   24 its length   28 the name   32 its length
;;   36 the digits of a name
(module
  (import "wasi:nn/tensor@0.2.0-rc-2024-10-28" "[constructor]tensor"
    (func $tensor_new (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi:nn/tensor@0.2.0-rc-2024-10-28" "[method]tensor.data"
    (func $tensor_data (param i32 i32)))
  (import "wasi:nn/tensor@0.2.0-rc-2024-10-28" "[resource-drop]tensor"
    (func $tensor_drop (param i32)))
  (import "wasi:nn/graph@0.2.0-rc-2024-10-28" "load"
    (func $graph_load (param i32 i32 i32 i32 i32)))
  (import "wasi:nn/graph@0.2.0-rc-2024-10-28" "load-by-name"
    (func $graph_load_by_name (param i32 i32 i32)))
  (import "wasi:nn/graph@0.2.0-rc-2024-10-28" "[method]graph.init-execution-context"
    (func $graph_init (param i32 i32)))
  (import "wasi:nn/graph@0.2.0-rc-2024-10-28" "[resource-drop]graph"
    (func $graph_drop (param i32)))
  (import "wasi:nn/inference@0.2.0-rc-2024-10-28" "[method]graph-execution-context.compute"
    (func $context_compute (param i32 i32 i32 i32)))
  (import "wasi:nn/inference@0.2.0-rc-2024-10-28" "[resource-drop]graph-execution-context"
    (func $context_drop (param i32)))
  (import "wasi:nn/errors@0.2.0-rc-2024-10-28" "[method]error.code"
    (func $error_code (param i32) (result i32)))
  (import "wasi:nn/errors@0.2.0-rc-2024-10-28" "[resource-drop]error"
    (func $error_drop (param i32)))
  (import "env" "memory" (memory 0))

  (global $base (mut i32) (i32.const 0))
  (global $names (mut i32) (i32.const 0))
  (global $graphs (mut i32) (i32.const 0)) ;; how many there have been
  (global $contexts (mut i32) (i32.const 0))
  (global $gets (mut i32) (i32.const 0)) ;; whether an output goes to the guest's buffer
  (global $into (mut i32) (i32.const 0)) ;; this buffer, and its size
  (global $room (mut i32) (i32.const 0))

  ;; The address of the pages that were added, or 0.
  (func $pages (param $count i32) (result i32) (local $page i32)
    (local.set $page (memory.grow (local.get $count)))
    (if (i32.eq (local.get $page) (i32.const -1)) (then (return (i32.const 0))))
    (i32.shl (local.get $page) (i32.const 16)))

  ;; Whether there is a page of its own, and the names in their place.
  (func $is_ready (result i32)
    (if (global.get $base) (then (return (i32.const 1))))
    (global.set $base (call $pages (i32.const 1)))
    (if (i32.eqz (global.get $base)) (then (return (i32.const 0))))
    (call $write_names)
    (i32.const 1))

  ;; A block for so many bytes, or 0.
  (func $new (param $size i32) (result i32)
    (local $log i32) (local $list i32) (local $block i32) (local $end i32)
    (if (i32.gt_u (local.get $size) (i32.const 0x7fff0000)) (then (return (i32.const 0))))
    (local.set $log (i32.sub (i32.const 32)
      (i32.clz (i32.or (i32.add (local.get $size) (i32.const 7)) (i32.const 63)))))
    (local.set $list (i32.add (global.get $base) (i32.shl (local.get $log) (i32.const 2))))
    (if (i32.eqz (i32.load offset=16 (local.get $list))) (then
      (local.set $end
        (i32.shr_u
          (i32.add (i32.shl (i32.const 1) (local.get $log)) (i32.const 0xffff)) (i32.const 16)))
      (local.set $block (call $pages (local.get $end)))
      (if (i32.eqz (local.get $block)) (then (return (i32.const 0))))
      (local.set $end
        (i32.add (local.get $block) (i32.shl (local.get $end) (i32.const 16))))
      (loop $more
        (i32.store (local.get $block) (i32.load offset=16 (local.get $list)))
        (i32.store offset=4 (local.get $block) (local.get $log))
        (i32.store offset=16 (local.get $list) (local.get $block))
        (local.set $block
          (i32.add (local.get $block) (i32.shl (i32.const 1) (local.get $log))))
        (br_if $more (i32.ne (local.get $block) (local.get $end))))))
    (local.set $block (i32.load offset=16 (local.get $list)))
    (i32.store offset=16 (local.get $list) (i32.load (local.get $block)))
    (i32.add (local.get $block) (i32.const 8)))

  ;; Takes 0 too.
  (func $free (param $content i32) (local $block i32) (local $list i32)
    (if (i32.eqz (local.get $content)) (then (return)))
    (local.set $block (i32.sub (local.get $content) (i32.const 8)))
    (local.set $list (i32.add (global.get $base)
      (i32.shl (i32.load offset=4 (local.get $block)) (i32.const 2))))
    (i32.store (local.get $block) (i32.load offset=16 (local.get $list)))
    (i32.store offset=16 (local.get $list) (local.get $block)))

  ;; A block for so many bytes, the old one where it is of that size, or 0, and then the old one
  ;; stays. `old` may be 0.
  (func $renew (param $old i32) (param $size i32) (result i32) (local $new i32)
    (if (local.get $old) (then
      (if (i32.eq (i32.load (i32.sub (local.get $old) (i32.const 4)))
                  (i32.sub (i32.const 32)
                    (i32.clz (i32.or (i32.add (local.get $size) (i32.const 7)) (i32.const 63)))))
        (then (return (local.get $old))))))
    (local.set $new (call $new (local.get $size)))
    (if (local.get $new) (then (call $free (local.get $old))))
    (local.get $new))

  ;; Memory for what the host returns: the guest's buffer for an output that fits, or a block that
  ;; is in the list at 152.
  (func (export "cabi_import_realloc")
    (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $content i32) (local $block i32)
    (if (i32.and (global.get $gets) (i32.le_u (local.get $size) (global.get $room)))
      (then (return (global.get $into))))
    (local.set $content (call $new (i32.add (local.get $size) (i32.const 8))))
    (if (i32.eqz (local.get $content)) (then (unreachable)))
    (i32.store (local.get $content) (i32.load offset=152 (global.get $base)))
    (i32.store offset=152 (global.get $base) (local.get $content))
    (i32.add (local.get $content) (i32.const 8)))

  (func $free_all (param $chain i32) (local $next i32)
    (loop $more
      (if (local.get $chain) (then
        (local.set $next (i32.load (local.get $chain)))
        (call $free (local.get $chain))
        (local.set $chain (local.get $next))
        (br $more)))))

  ;; What the host has returned: 0, or the errno for its error, which is dropped.
  (func $answer (result i32) (local $error i32) (local $code i32)
    (if (i32.eqz (i32.load8_u (global.get $base))) (then (return (i32.const 0))))
    (local.set $error (i32.load offset=4 (global.get $base)))
    (local.set $code (call $error_code (local.get $error)))
    (call $error_drop (local.get $error))
    (i32.wrap_i64 (i64.and (i64.const 15)
      (i64.shr_u (i64.const $ERRNOS)
        (i64.shl (i64.extend_i32_u (local.get $code)) (i64.const 2))))))

  ;; A new graph or context for the handle in the result area, in the list at `list`; or 0.
  (func $keep (param $list i32) (param $number i32) (result i32) (local $node i32)
    (local.set $node (call $new (i32.const 56)))
    (if (i32.eqz (local.get $node)) (then (return (i32.const 0))))
    (memory.fill (local.get $node) (i32.const 0) (i32.const 56))
    (i32.store (local.get $node) (i32.load (local.get $list)))
    (i32.store offset=4 (local.get $node) (local.get $number))
    (i32.store offset=8 (local.get $node) (i32.load offset=4 (global.get $base)))
    (i32.store (local.get $list) (local.get $node))
    (local.get $node))

  ;; What has the number in a list of graphs, contexts or inputs, or 0.
  (func $find (param $list i32) (param $number i32) (result i32) (local $node i32)
    (local.set $node (i32.load (local.get $list)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $node)))
        (br_if $done (i32.eq (i32.load offset=4 (local.get $node)) (local.get $number)))
        (local.set $node (i32.load (local.get $node)))
        (br $next)))
    (local.get $node))

  (func $graph_list (result i32) (i32.add (global.get $base) (i32.const 144)))
  (func $context_list (result i32) (i32.add (global.get $base) (i32.const 148)))

  ;; Takes a node out of a list, and frees it.
  (func $forget (param $list i32) (param $node i32)
    (block $done
      (loop $next
        (br_if $done (i32.eq (i32.load (local.get $list)) (local.get $node)))
        (local.set $list (i32.load (local.get $list)))
        (br $next)))
    (i32.store (local.get $list) (i32.load (local.get $node)))
    (call $free (local.get $node)))

  (func $new_graph (param $out i32) (result i32) (local $errno i32)
    (local.set $errno (call $answer))
    (if (local.get $errno) (then (return (local.get $errno))))
    (if (i32.eqz (call $keep (call $graph_list) (global.get $graphs))) (then
      (call $graph_drop (i32.load offset=4 (global.get $base)))
      (return (i32.const $MISSING_MEMORY))))
    (i32.store (local.get $out) (global.get $graphs))
    (global.set $graphs (i32.add (global.get $graphs) (i32.const 1)))
    (i32.const 0))

  ;; The encodings 5 and 6, autodetect and ggml, are the other way round in wasi:nn.
  (func (export "load")
    (param $builder i32) (param $count i32) (param $encoding i32) (param $target i32)
    (param $out i32) (result i32)
    (if (i32.gt_u (local.get $encoding) (i32.const 6))
      (then (return (i32.const $INVALID_ENCODING))))
    (if (i32.gt_u (local.get $target) (i32.const 2))
      (then (return (i32.const $INVALID_ARGUMENT))))
    (if (i32.eqz (call $is_ready)) (then (return (i32.const $MISSING_MEMORY))))
    (call $graph_load (local.get $builder) (local.get $count)
      (select (i32.sub (i32.const 11) (local.get $encoding)) (local.get $encoding)
        (i32.ge_u (local.get $encoding) (i32.const 5)))
      (local.get $target) (global.get $base))
    (call $new_graph (local.get $out)))

  (func $load_by_name (export "load_by_name")
    (param $name i32) (param $length i32) (param $out i32) (result i32)
    (if (i32.eqz (call $is_ready)) (then (return (i32.const $MISSING_MEMORY))))
    (call $graph_load_by_name (local.get $name) (local.get $length) (global.get $base))
    (call $new_graph (local.get $out)))

  (func (export "load_by_name_with_config")
    (param $name i32) (param $length i32) (param $config i32) (param $config_length i32)
    (param $out i32) (result i32)
    (if (local.get $config_length) (then (return (i32.const $UNSUPPORTED_OPERATION))))
    (call $load_by_name (local.get $name) (local.get $length) (local.get $out)))

  (func (export "unload") (param $graph i32) (result i32) (local $node i32)
    (if (i32.eqz (call $is_ready)) (then (return (i32.const $MISSING_MEMORY))))
    (local.set $node (call $find (call $graph_list) (local.get $graph)))
    (if (i32.eqz (local.get $node)) (then (return (i32.const $INVALID_ARGUMENT))))
    (call $graph_drop (i32.load offset=8 (local.get $node)))
    (call $forget (call $graph_list) (local.get $node))
    (i32.const 0))

  (func (export "init_execution_context") (param $graph i32) (param $out i32) (result i32)
    (local $node i32) (local $errno i32)
    (if (i32.eqz (call $is_ready)) (then (return (i32.const $MISSING_MEMORY))))
    (local.set $node (call $find (call $graph_list) (local.get $graph)))
    (if (i32.eqz (local.get $node)) (then (return (i32.const $INVALID_ARGUMENT))))
    (call $graph_init (i32.load offset=8 (local.get $node)) (global.get $base))
    (local.set $errno (call $answer))
    (if (local.get $errno) (then (return (local.get $errno))))
    (if (i32.eqz (call $keep (call $context_list) (global.get $contexts))) (then
      (call $context_drop (i32.load offset=4 (global.get $base)))
      (return (i32.const $MISSING_MEMORY))))
    (i32.store (local.get $out) (global.get $contexts))
    (global.set $contexts (i32.add (global.get $contexts) (i32.const 1)))
    (i32.const 0))

  (func $context (param $number i32) (result i32)
    (if (i32.eqz (global.get $base)) (then (return (i32.const 0))))
    (call $find (call $context_list) (local.get $number)))

  (func $drop_outputs (param $context i32) (local $at i32) (local $left i32)
    (local.set $at (i32.load offset=16 (local.get $context)))
    (local.set $left (i32.load offset=20 (local.get $context)))
    (loop $more
      (if (local.get $left) (then
        (call $tensor_drop (i32.load offset=8 (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 12)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $more))))
    (i32.store offset=20 (local.get $context) (i32.const 0))
    (call $free_all (i32.load offset=24 (local.get $context)))
    (i32.store offset=24 (local.get $context) (i32.const 0)))

  (func (export "finalize_execution_context") (param $number i32) (result i32)
    (local $context i32) (local $input i32) (local $next i32)
    (local.set $context (call $context (local.get $number)))
    (if (i32.eqz (local.get $context)) (then (return (i32.const $INVALID_ARGUMENT))))
    (call $drop_outputs (local.get $context))
    (call $context_drop (i32.load offset=8 (local.get $context)))
    (local.set $input (i32.load offset=12 (local.get $context)))
    (loop $more
      (if (local.get $input) (then
        (local.set $next (i32.load (local.get $input)))
        (call $free (i32.load offset=12 (local.get $input)))
        (call $free (i32.load offset=20 (local.get $input)))
        (call $free (local.get $input))
        (local.set $input (local.get $next))
        (br $more))))
    (call $forget (call $context_list) (local.get $context))
    (i32.const 0))

  ;; The input of a context with this index, a new one if need be, or 0.
  (func $input (param $context i32) (param $index i32) (result i32) (local $input i32)
    (local.set $context (i32.add (local.get $context) (i32.const 12)))
    (local.set $input (call $find (local.get $context) (local.get $index)))
    (if (local.get $input) (then (return (local.get $input))))
    (local.set $input (call $new (i32.const 56)))
    (if (i32.eqz (local.get $input)) (then (return (i32.const 0))))
    (memory.fill (local.get $input) (i32.const 0) (i32.const 56))
    (i32.store (local.get $input) (i32.load (local.get $context)))
    (i32.store offset=4 (local.get $input) (local.get $index))
    (i32.store (local.get $context) (local.get $input))
    (call $name_input (local.get $input) (local.get $index))
    (local.get $input))

  ;; The name of an input: the one that is known, or its index in decimal digits.
  (func $name_input (param $input i32) (param $index i32) (local $name i64) (local $at i32)
    (local.set $name (call $input_name (local.get $index)))
    (if (i64.ne (local.get $name) (i64.const 0)) (then
      (i32.store offset=28 (local.get $input) (i32.wrap_i64 (local.get $name)))
      (i32.store offset=32 (local.get $input)
        (i32.wrap_i64 (i64.shr_u (local.get $name) (i64.const 32))))
      (return)))
    (local.set $at (i32.add (local.get $input) (i32.const 48)))
    (loop $more
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.rem_u (local.get $index) (i32.const 10))))
      (local.set $index (i32.div_u (local.get $index) (i32.const 10)))
      (br_if $more (local.get $index)))
    (i32.store offset=28 (local.get $input) (local.get $at))
    (i32.store offset=32 (local.get $input)
      (i32.sub (i32.add (local.get $input) (i32.const 48)) (local.get $at))))

  ;; A copy of the tensor: the host takes tensors away in compute, but inputs stay set. The types
  ;; from 3 on are one more in wasi:nn.
  (func (export "set_input") (param $number i32) (param $index i32) (param $tensor i32) (result i32)
    (local $context i32) (local $input i32) (local $type i32) (local $block i32)
    (local $rank i32) (local $length i32)
    (local.set $context (call $context (local.get $number)))
    (if (i32.eqz (local.get $context)) (then (return (i32.const $INVALID_ARGUMENT))))
    (local.set $rank (i32.load offset=4 (local.get $tensor)))
    (local.set $type (i32.load8_u offset=8 (local.get $tensor)))
    (local.set $length (i32.load offset=16 (local.get $tensor)))
    (if (i32.or (i32.gt_u (local.get $type) (i32.const 5))
                (i32.gt_u (local.get $rank) (i32.const $MOST_DIMENSIONS)))
      (then (return (i32.const $INVALID_ARGUMENT))))
    (local.set $input (call $input (local.get $context) (local.get $index)))
    (if (i32.eqz (local.get $input)) (then (return (i32.const $MISSING_MEMORY))))
    (i32.store offset=8 (local.get $input) (i32.const -1))
    (local.set $block
      (call $renew (i32.load offset=12 (local.get $input))
        (i32.shl (local.get $rank) (i32.const 2))))
    (if (i32.eqz (local.get $block)) (then (return (i32.const $MISSING_MEMORY))))
    (i32.store offset=12 (local.get $input) (local.get $block))
    (i32.store offset=16 (local.get $input) (local.get $rank))
    (memory.copy (local.get $block) (i32.load (local.get $tensor))
      (i32.shl (local.get $rank) (i32.const 2)))
    (local.set $block (call $renew (i32.load offset=20 (local.get $input)) (local.get $length)))
    (if (i32.eqz (local.get $block)) (then (return (i32.const $MISSING_MEMORY))))
    (i32.store offset=20 (local.get $input) (local.get $block))
    (i32.store offset=24 (local.get $input) (local.get $length))
    (memory.copy (local.get $block) (i32.load offset=12 (local.get $tensor)) (local.get $length))
    (i32.store offset=8 (local.get $input)
      (i32.add (local.get $type) (i32.ge_u (local.get $type) (i32.const 3))))
    (i32.const 0))

  (func (export "compute") (param $number i32) (result i32)
    (local $context i32) (local $input i32) (local $count i32) (local $list i32) (local $at i32)
    (local $errno i32)
    (local.set $context (call $context (local.get $number)))
    (if (i32.eqz (local.get $context)) (then (return (i32.const $INVALID_ARGUMENT))))
    (call $drop_outputs (local.get $context))
    (local.set $input (i32.load offset=12 (local.get $context)))
    (loop $more
      (if (local.get $input) (then
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (local.set $input (i32.load (local.get $input)))
        (br $more))))
    (local.set $list (call $new (i32.mul (local.get $count) (i32.const 12))))
    (if (i32.eqz (local.get $list)) (then (return (i32.const $MISSING_MEMORY))))
    (local.set $at (local.get $list))
    (local.set $count (i32.const 0))
    (local.set $input (i32.load offset=12 (local.get $context)))
    (loop $more
      (if (local.get $input) (then
        (if (i32.ge_s (i32.load offset=8 (local.get $input)) (i32.const 0)) (then
          (i64.store align=4 (local.get $at) (i64.load offset=28 align=4 (local.get $input)))
          (i32.store offset=8 (local.get $at)
            (call $tensor_new
              (i32.load offset=12 (local.get $input)) (i32.load offset=16 (local.get $input))
              (i32.load offset=8 (local.get $input))
              (i32.load offset=20 (local.get $input)) (i32.load offset=24 (local.get $input))))
          (local.set $at (i32.add (local.get $at) (i32.const 12)))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))))
        (local.set $input (i32.load (local.get $input)))
        (br $more))))
    (call $context_compute (i32.load offset=8 (local.get $context))
      (local.get $list) (local.get $count) (global.get $base))
    (call $free (local.get $list))
    (local.set $errno (call $answer))
    (if (i32.eqz (local.get $errno)) (then
      (i32.store offset=16 (local.get $context) (i32.load offset=4 (global.get $base)))
      (i32.store offset=20 (local.get $context) (i32.load offset=8 (global.get $base)))))
    (i32.store offset=24 (local.get $context) (i32.load offset=152 (global.get $base)))
    (i32.store offset=152 (global.get $base) (i32.const 0))
    (local.get $errno))

  (func $is_same (param $one i32) (param $other i32) (param $length i32) (result i32)
    (loop $more
      (if (local.get $length) (then
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (br_if $more
          (i32.eq (i32.load8_u (i32.add (local.get $one) (local.get $length)))
                  (i32.load8_u (i32.add (local.get $other) (local.get $length)))))
        (return (i32.const 0)))))
    (i32.const 1))

  ;; The place of an output in the list: by the name that is known, or its index. 0 for none.
  (func $output (param $context i32) (param $index i32) (result i32)
    (local $name i64) (local $length i32) (local $at i32) (local $left i32)
    (local.set $at (i32.load offset=16 (local.get $context)))
    (local.set $left (i32.load offset=20 (local.get $context)))
    (local.set $name (call $output_name (local.get $index)))
    (if (i64.eqz (local.get $name)) (then
      (if (i32.ge_u (local.get $index) (local.get $left)) (then (return (i32.const 0))))
      (return (i32.add (local.get $at) (i32.mul (local.get $index) (i32.const 12))))))
    (local.set $length (i32.wrap_i64 (i64.shr_u (local.get $name) (i64.const 32))))
    (loop $next
      (if (i32.eqz (local.get $left)) (then (return (i32.const 0))))
      (if (i32.eq (i32.load offset=4 (local.get $at)) (local.get $length)) (then
        (if (call $is_same
              (i32.load (local.get $at)) (i32.wrap_i64 (local.get $name)) (local.get $length))
          (then (return (local.get $at))))))
      (local.set $at (i32.add (local.get $at) (i32.const 12)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next))
    (unreachable))

  ;; Where the buffer is too small, the length that is needed is stored, as WasmEdge does.
  (func (export "get_output")
    (param $number i32) (param $index i32) (param $buffer i32) (param $room i32)
    (param $written i32) (result i32) (local $context i32) (local $output i32)
    (local.set $context (call $context (local.get $number)))
    (if (i32.eqz (local.get $context)) (then (return (i32.const $INVALID_ARGUMENT))))
    (if (i32.eqz (i32.load offset=24 (local.get $context)))
      (then (return (i32.const $RUNTIME_ERROR))))
    (local.set $output (call $output (local.get $context) (local.get $index)))
    (if (i32.eqz (local.get $output)) (then (return (i32.const $INVALID_ARGUMENT))))
    (global.set $gets (i32.const 1))
    (global.set $into (local.get $buffer))
    (global.set $room (local.get $room))
    (call $tensor_data (i32.load offset=8 (local.get $output)) (global.get $base))
    (global.set $gets (i32.const 0))
    (call $free_all (i32.load offset=152 (global.get $base)))
    (i32.store offset=152 (global.get $base) (i32.const 0))
    (i32.store (local.get $written) (i32.load offset=4 (global.get $base)))
    (select (i32.const $TOO_LARGE) (i32.const 0)
      (i32.gt_u (i32.load offset=4 (global.get $base)) (local.get $room))))

  (func (export "compute_single") (param i32) (result i32) (i32.const $UNSUPPORTED_OPERATION))
  (func (export "get_output_single") (param i32 i32 i32 i32 i32) (result i32)
    (i32.const $UNSUPPORTED_OPERATION))
  (func (export "fini_single") (param i32) (result i32) (i32.const $UNSUPPORTED_OPERATION))

  $KNOWN_NAMES
)
