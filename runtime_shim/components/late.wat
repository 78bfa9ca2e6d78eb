;; The functions of wasi:nn that read or write the guest's memory. What the canonical ABI checks of
;; pointers, lengths, enums and handles is checked here.
(import "host" "mark" (func $host_mark (param i32) (result i64)))
(import "host" "find" (func $host_find (param i32)))
(import "host" "resume" (func $host_resume (param i32) (result i64)))
(import "host" "load" (func $host_load (param i32 i32 i32 i32 i32) (result i64)))
(import "host" "load-by-name" (func $host_load_by_name (param i32 i32 i32) (result i64)))
(import "host" "init" (func $host_init (param i32 i32) (result i64)))
(import "host" "again" (func $host_again (param i32 i32) (result i64)))
(import "host" "compute" (func $host_compute (param i32 i32 i32 i32) (result i64)))
(import "host" "set-input" (func $host_set_input (param i32 i32 i32 i32 i32) (result i64)))
(import "host" "run" (func $host_run (param i32 i32) (result i64)))
(import "host" "get-output" (func $host_get_output (param i32 i32 i32 i32) (result i64)))
(import "host" "check-text" (func $host_check_text (param i32 i32 i32)))
(import "early" "memory" (memory $state $FIRST_PAGES $MOST_PAGES))
(import "early" "stop" (func $stop (param i32 i32)))
(import "early" "enter" (func $enter))
(import "early" "busy" (func $busy (param i32)))
(import "early" "grow" (func $grow (param i64)))
(import "early" "alloc" (func $alloc (param i64) (result i32)))
(import "early" "free" (func $free (param i32 i64)))
(import "early" "new_entry" (func $new_entry (param i32 i32) (result i32)))
(import "early" "new_block" (func $new_block (param i32 i32 i32)))
(import "early" "handle" (func $handle (param i32) (result i32)))
(import "early" "entry" (func $entry (param i32 i32) (result i32)))
(import "early" "release_block" (func $release_block (param i32)))
(import "early" "caller" (global $caller (mut i32)))
(import "early" "modules" (global $modules (mut i32)))
(import "early" "shown" (global $shown (mut i32)))
(import "guest" "memory" (memory $guest 0))
(import "guest" "realloc" (func $guest_realloc (param i32 i32 i32 i32) (result i32)))

(global $me (mut i32) (i32.const 0))

;; Let the host find the guest's memory: it looks for the one that begins with its mark. This module
;; is instantiated once for each memory that functions of wasi:nn are lowered with; the instances
;; have numbers from 1 on.
(func $show_memory
  (local $kept i64)
  (if (i32.eqz (memory.size $guest)) (then (return)))
  (if (i32.eqz (global.get $me))
    (then
      (global.set $modules (i32.add (global.get $modules) (i32.const 1)))
      (global.set $me (global.get $modules))))
  (if (i32.eq (global.get $shown) (global.get $me)) (then (return)))
  (local.set $kept (i64.load $guest (i32.const 0)))
  (i64.store $guest (i32.const 0) (call $host_mark (global.get $caller)))
  (call $host_find (global.get $caller))
  (i64.store $guest (i32.const 0) (local.get $kept))
  (global.set $shown (global.get $me)))

;; Stop the guest unless a range is inside its memory.
(func $inside (param $pointer i32) (param $length i64)
  (if (i64.gt_u
        (i64.add (i64.extend_i32_u (local.get $pointer)) (local.get $length))
        (i64.shl (i64.extend_i32_u (memory.size $guest)) (i64.const 16)))
    (then (call $stop (i32.const $STOP_OUTSIDE) (local.get $pointer)))))

;; Stop the guest unless a list is inside its memory, and aligned. Its elements have a size in bytes.
(func $list (param $pointer i32) (param $count i32) (param $size i64) (param $align i32)
  (call $inside (local.get $pointer)
    (i64.mul (i64.extend_i32_u (local.get $count)) (local.get $size)))
  (if (i32.and (local.get $pointer) (i32.sub (local.get $align) (i32.const 1)))
    (then (call $stop (i32.const $STOP_UNALIGNED) (local.get $pointer)))))

;; Stop the guest unless an enum has such a case.
(func $enum (param $value i32) (param $cases i32)
  (if (i32.ge_u (local.get $value) (local.get $cases))
    (then (call $stop (i32.const $STOP_ENUM) (local.get $value)))))

;; What the guest's realloc gives for a list.
(func $realloc (param $count i32) (param $size i32) (param $align i32) (result i32)
  (local $bytes i64) (local $pointer i32)
  (local.set $bytes
    (i64.mul (i64.extend_i32_u (local.get $count)) (i64.extend_i32_u (local.get $size))))
  (if (i64.gt_u (local.get $bytes) (i64.const 0xffffffff))
    (then (call $stop (i32.const $STOP_OUTSIDE) (local.get $count))))
  (call $busy (i32.const 1))
  (local.set $pointer (call $guest_realloc (i32.const 0) (i32.const 0) (local.get $align)
    (i32.wrap_i64 (local.get $bytes))))
  (call $busy (i32.const 0))
  (call $list (local.get $pointer) (i32.const 1) (local.get $bytes) (local.get $align))
  (local.get $pointer))

;; Write a list into the guest's memory, and its pointer and length into a result area.
(func $give (param $area i32) (param $from i32) (param $count i32) (param $size i32)
  (local $pointer i32)
  (local.set $pointer
    (call $realloc (local.get $count) (local.get $size) (local.get $size)))
  (memory.copy $guest $state (local.get $pointer) (local.get $from)
    (i32.mul (local.get $count) (local.get $size)))
  (i32.store $guest (local.get $area) (local.get $pointer))
  (i32.store $guest offset=4 (local.get $area) (local.get $count)))

;; What the host answers in the end: it may need more memory before.
(func $answered (param $answer i64) (result i64)
  (loop $again
    (if (i64.eq (i64.shr_u (local.get $answer) (i64.const 32)) (i64.const $ANSWER_GROW))
      (then
        (call $grow (i64.and (local.get $answer) (i64.const 0xffffffff)))
        (local.set $answer (call $host_resume (global.get $caller)))
        (br $again))))
  (local.get $answer))

;; Write the host's answer into a result area: 0 and a value, or 1 and the handle of an error.
(func $result (param $area i32) (param $answer i64)
  (local.set $answer (call $answered (local.get $answer)))
  (i32.store8 $guest
    (local.get $area) (i32.wrap_i64 (i64.shr_u (local.get $answer) (i64.const 32))))
  (i32.store $guest offset=4 (local.get $area) (i32.wrap_i64 (local.get $answer))))

(func (export "tensor#[constructor]tensor") (param $dimensions i32) (param $rank i32)
    (param $type i32) (param $data i32) (param $length i32) (result i32)
  (local $entry i32) (local $block i32)
  (call $enter)
  (call $list
    (local.get $dimensions) (local.get $rank) (i64.const 4) (i32.const 4))
  (call $enum (local.get $type) (i32.const $TYPES))
  (call $list (local.get $data) (local.get $length) (i64.const 1) (i32.const 1))
  (local.set $entry (call $new_entry (i32.const $KIND_TENSOR) (local.get $type)))
  (call $new_block (local.get $entry) (local.get $length) (local.get $rank))
  (local.set $block (i32.load $state offset=$ENTRY_BLOCK (local.get $entry)))
  (memory.copy $state $guest (local.get $block) (local.get $data) (local.get $length))
  (memory.copy $state $guest
    (call $dimensions_of (local.get $entry))
    (local.get $dimensions) (i32.shl (local.get $rank) (i32.const 2)))
  (call $handle (local.get $entry)))

;; Where the dimensions of a tensor are: behind its data.
(func $dimensions_of (param $entry i32) (result i32)
  (i32.add
    (i32.load $state offset=$ENTRY_BLOCK (local.get $entry))
    (i32.and
      (i32.add
        (i32.load $state offset=$ENTRY_LENGTH (local.get $entry)) (i32.const 3))
      (i32.const -4))))

(func (export "tensor#[method]tensor.dimensions") (param $tensor i32) (param $area i32)
  (local $entry i32)
  (call $enter)
  (local.set $entry (call $entry (local.get $tensor) (i32.const $KIND_TENSOR)))
  (call $list (local.get $area) (i32.const 1) (i64.const 8) (i32.const 4))
  (call $give (local.get $area) (call $dimensions_of (local.get $entry))
    (i32.load $state offset=$ENTRY_RANK (local.get $entry)) (i32.const 4)))

(func (export "tensor#[method]tensor.data") (param $tensor i32) (param $area i32)
  (call $bytes (local.get $tensor) (i32.const $KIND_TENSOR) (local.get $area)))

(func (export "errors#[method]error.data") (param $error i32) (param $area i32)
  (call $bytes (local.get $error) (i32.const $KIND_ERROR) (local.get $area)))

;; Give the guest the bytes of a tensor, or the text of an error.
(func $bytes (param $handle i32) (param $kind i32) (param $area i32)
  (local $entry i32)
  (call $enter)
  (local.set $entry (call $entry (local.get $handle) (local.get $kind)))
  (call $list (local.get $area) (i32.const 1) (i64.const 8) (i32.const 4))
  (call $give (local.get $area)
    (i32.load $state offset=$ENTRY_BLOCK (local.get $entry))
    (i32.load $state offset=$ENTRY_LENGTH (local.get $entry)) (i32.const 1)))

(func (export "graph#load") (param $builders i32) (param $count i32) (param $encoding i32)
    (param $target i32) (param $area i32)
  (local $builder i32) (local $left i32)
  (call $enter)
  (call $list (local.get $builders) (local.get $count) (i64.const 8) (i32.const 4))
  (local.set $builder (local.get $builders))
  (local.set $left (local.get $count))
  (block $checked
    (loop $next
      (br_if $checked (i32.eqz (local.get $left)))
      (call $inside
        (i32.load $guest (local.get $builder))
        (i64.load32_u $guest offset=4 (local.get $builder)))
      (local.set $builder (i32.add (local.get $builder) (i32.const 8)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next)))
  (call $enum (local.get $encoding) (i32.const $ENCODINGS))
  (call $enum (local.get $target) (i32.const $TARGETS))
  (call $list (local.get $area) (i32.const 1) (i64.const 8) (i32.const 4))
  (call $show_memory)
  (call $result (local.get $area)
    (call $host_load
      (global.get $caller) (local.get $builders) (local.get $count) (local.get $encoding)
      (local.get $target))))

(func (export "graph#load-by-name") (param $name i32) (param $length i32) (param $area i32)
  (call $enter)
  (call $list (local.get $name) (local.get $length) (i64.const 1) (i32.const 1))
  (call $list (local.get $area) (i32.const 1) (i64.const 8) (i32.const 4))
  (call $show_memory)
  (call $result (local.get $area)
    (call $host_load_by_name (global.get $caller) (local.get $name) (local.get $length))))

(func (export "graph#[method]graph.init-execution-context") (param $graph i32) (param $area i32)
  (local $entry i32)
  (call $enter)
  (local.set $entry (call $entry (local.get $graph) (i32.const $KIND_GRAPH)))
  (call $list (local.get $area) (i32.const 1) (i64.const 8) (i32.const 4))
  (call $result (local.get $area)
    (call $host_init
      (global.get $caller) (i32.load $state offset=$ENTRY_VALUE (local.get $entry)))))
