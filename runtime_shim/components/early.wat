;; The functions of wasi:nn that take no pointers, and the memory of both modules: the handles, and
;; the bytes of tensors, errors and replies. runtime_shim/components/state.py reads and writes the
;; same structures.
(import "host" "begin" (func $host_begin (result i32)))
(import "host" "more" (func $host_more (param i32 i32) (result i32)))
(import "host" "stop" (func $host_stop (param i32 i32 i32)))
(import "host" "unload" (func $host_unload (param i32 i32)))
(import "host" "finalize" (func $host_finalize (param i32 i32)))

(memory $state (export "memory") $FIRST_PAGES $MOST_PAGES)
;; How many instances of the other module have shown their memory to the host, and the number of the
;; last one that has.
(global $modules (export "modules") (mut i32) (i32.const 0))
(global $shown (export "shown") (mut i32) (i32.const 0))
;; The number that the host has given this instance. It is the first argument of all other calls of
;; the host.
(global $caller (export "caller") (mut i32) (i32.const 0))
(start $begin)

(func $begin
  (global.set $caller (call $host_begin))
  (i32.store (i32.const $ENTRIES_END_AT) (i32.const $ENTRIES))
  (i32.store (i32.const $HEAP_END_AT) (i32.const $HEAP)))

;; End the guest, for a reason and a number that belongs to it.
(func $stop (export "stop") (param $reason i32) (param $number i32)
  (call $host_stop (global.get $caller) (local.get $reason) (local.get $number))
  unreachable)

;; Each function begins with this: none may be called while the guest's realloc runs.
(func $enter (export "enter")
  (if (i32.load (i32.const $BUSY_AT))
    (then (call $stop (i32.const $STOP_BUSY) (i32.const 0)))))

;; Let the functions be called, or not.
(func (export "busy") (param $busy i32)
  (i32.store (i32.const $BUSY_AT) (local.get $busy)))

;; The class of blocks that have room for a number of bytes. Class 0 is 64 bytes; from there on,
;; four classes double the size.
(func $class (param $size i64) (result i32)
  (local $last i64) (local $quarter i64)
  (if (i64.le_u (local.get $size) (i64.const $SMALLEST)) (then (return (i32.const 0))))
  (local.set $last (i64.sub (local.get $size) (i64.const 1)))
  (local.set $quarter (i64.sub (i64.const 61) (i64.clz (local.get $last))))
  (i32.add
    (i32.mul (i32.wrap_i64 (i64.sub (local.get $quarter) (i64.const 4))) (i32.const 4))
    (i32.add
      (i32.wrap_i64 (i64.and (i64.shr_u (local.get $last) (local.get $quarter)) (i64.const 3)))
      (i32.const 1))))

;; The bytes that a block of a class takes: a multiple of 64.
(func $room (param $class i32) (result i64)
  (local $steps i64)
  (if (i32.eqz (local.get $class)) (then (return (i64.const $SMALLEST))))
  (local.set $steps (i64.extend_i32_u (i32.sub (local.get $class) (i32.const 1))))
  (i64.and
    (i64.add
      (i64.shl
        (i64.add (i64.const 5) (i64.and (local.get $steps) (i64.const 3)))
        (i64.add (i64.const 4) (i64.shr_u (local.get $steps) (i64.const 2))))
      (i64.const 63))
    (i64.const -64)))

;; Make the memory larger by at least a number of bytes.
(func $grow (export "grow") (param $bytes i64)
  (if (i64.gt_u (local.get $bytes) (i64.const 0xffffffff))
    (then (call $stop (i32.const $STOP_TOO_LARGE) (i32.const -1))))
  (if (i32.eq
        (memory.grow
          (call $host_more (global.get $caller) (i32.wrap_i64 (local.get $bytes))))
        (i32.const -1))
    (then (call $stop (i32.const $STOP_TOO_LARGE) (i32.wrap_i64 (local.get $bytes))))))

;; A block for a number of bytes, aligned to 64.
(func $alloc (export "alloc") (param $size i64) (result i32)
  (local $free i32) (local $block i32) (local $end i64) (local $more i64)
  (if (i64.gt_u (local.get $size) (i64.const $LARGEST))
    (then (call $stop (i32.const $STOP_TOO_LARGE) (i32.const -1))))
  (local.set $free (call $free_blocks (local.get $size)))
  (local.set $block (i32.load (local.get $free)))
  (if (local.get $block)
    (then
      (i32.store (local.get $free) (i32.load (local.get $block)))
      (return (local.get $block))))
  (local.set $block (i32.load (i32.const $HEAP_END_AT)))
  (local.set $end
    (i64.add (i64.extend_i32_u (local.get $block)) (call $room (call $class (local.get $size)))))
  (local.set $more (i64.sub
    (local.get $end) (i64.shl (i64.extend_i32_u (memory.size)) (i64.const 16))))
  (if (i64.gt_s (local.get $more) (i64.const 0)) (then (call $grow (local.get $more))))
  (i32.store (i32.const $HEAP_END_AT) (i32.wrap_i64 (local.get $end)))
  (local.get $block))

;; Where the first free block for a number of bytes is found; each begins with the next one.
(func $free_blocks (param $size i64) (result i32)
  (i32.add
    (i32.const $FREE_BLOCKS) (i32.shl (call $class (local.get $size)) (i32.const 2))))

;; Give back a block that was made for a number of bytes.
(func $free (export "free") (param $block i32) (param $size i64)
  (local $head i32)
  (local.set $head (call $free_blocks (local.get $size)))
  (i32.store (local.get $block) (i32.load (local.get $head)))
  (i32.store (local.get $head) (local.get $block)))

;; A new entry of a kind.
(func (export "new_entry") (param $kind i32) (param $value i32) (result i32)
  (local $entry i32)
  (local.set $entry (i32.load (i32.const $FREE_ENTRY_AT)))
  (if (local.get $entry)
    (then
      (i32.store (i32.const $FREE_ENTRY_AT)
        (i32.load offset=$ENTRY_VALUE (local.get $entry))))
    (else
      (local.set $entry (i32.load (i32.const $ENTRIES_END_AT)))
      (if (i32.eq (local.get $entry) (i32.const $PLACES))
        (then (call $stop (i32.const $STOP_HANDLES) (i32.const $MOST_ENTRIES))))
      (i32.store (i32.const $ENTRIES_END_AT)
        (i32.add (local.get $entry) (i32.const $ENTRY_SIZE)))))
  (i32.store (local.get $entry) (local.get $kind))
  (i32.store offset=$ENTRY_VALUE (local.get $entry) (local.get $value))
  (local.get $entry))

;; The guest's handle of an entry.
(func (export "handle") (param $entry i32) (result i32)
  (i32.add
    (i32.const $FIRST_HANDLE)
    (i32.div_u
      (i32.sub (local.get $entry) (i32.const $ENTRIES)) (i32.const $ENTRY_SIZE))))

;; The entry of a handle, which has to be of a kind.
(func $entry (export "entry") (param $handle i32) (param $kind i32) (result i32)
  (local $number i32) (local $entry i32)
  (local.set $number (i32.sub (local.get $handle) (i32.const $FIRST_HANDLE)))
  (if (i32.lt_u (local.get $number) (i32.const $MOST_ENTRIES))
    (then
      (local.set $entry (i32.add
        (i32.const $ENTRIES) (i32.mul (local.get $number) (i32.const $ENTRY_SIZE))))
      (if (i32.eq (i32.load (local.get $entry)) (local.get $kind))
        (then (return (local.get $entry))))))
  (call $stop
    (i32.add (i32.const $STOP_HANDLE) (local.get $kind)) (local.get $handle))
  unreachable)

;; End the life of an entry. Its block stays.
(func $release (export "release") (param $entry i32)
  (i32.store (local.get $entry) (i32.const 0))
  (i32.store offset=$ENTRY_VALUE (local.get $entry) (i32.load (i32.const $FREE_ENTRY_AT)))
  (i32.store (i32.const $FREE_ENTRY_AT) (local.get $entry)))

;; End the life of an entry that has a block.
(func $release_block (export "release_block") (param $entry i32)
  (call $free
    (i32.load offset=$ENTRY_BLOCK (local.get $entry))
    (call $block_size (local.get $entry)))
  (call $release (local.get $entry)))

;; The bytes that an entry's block was made for: its data, and a tensor's dimensions.
(func $block_size (param $entry i32) (result i64)
  (i64.add
    (i64.and
      (i64.add
        (i64.extend_i32_u (i32.load offset=$ENTRY_LENGTH (local.get $entry))) (i64.const 3))
      (i64.const -4))
    (i64.shl
      (i64.extend_i32_u (i32.load offset=$ENTRY_RANK (local.get $entry))) (i64.const 2))))

;; An entry of a kind, with a block for a number of bytes and of dimensions.
(func (export "new_block") (param $entry i32) (param $length i32) (param $rank i32)
  (i32.store offset=$ENTRY_LENGTH (local.get $entry) (local.get $length))
  (i32.store offset=$ENTRY_RANK (local.get $entry) (local.get $rank))
  (i32.store offset=$ENTRY_BLOCK
    (local.get $entry) (call $alloc (call $block_size (local.get $entry)))))

(func (export "tensor#[method]tensor.ty") (param $tensor i32) (result i32)
  (call $enter)
  (i32.load offset=$ENTRY_VALUE (call $entry (local.get $tensor) (i32.const $KIND_TENSOR))))

(func (export "errors#[method]error.code") (param $error i32) (result i32)
  (call $enter)
  (i32.load offset=$ENTRY_VALUE (call $entry (local.get $error) (i32.const $KIND_ERROR))))

(func (export "tensor#[resource-drop]tensor") (param $tensor i32)
  (call $enter)
  (call $release_block (call $entry (local.get $tensor) (i32.const $KIND_TENSOR))))

(func (export "errors#[resource-drop]error") (param $error i32)
  (call $enter)
  (call $release_block (call $entry (local.get $error) (i32.const $KIND_ERROR))))

(func (export "graph#[resource-drop]graph") (param $graph i32)
  (local $entry i32)
  (call $enter)
  (local.set $entry (call $entry (local.get $graph) (i32.const $KIND_GRAPH)))
  (call $host_unload (global.get $caller) (i32.load offset=$ENTRY_VALUE (local.get $entry)))
  (call $release (local.get $entry)))

(func (export "inference#[resource-drop]graph-execution-context") (param $context i32)
  (local $entry i32)
  (call $enter)
  (local.set $entry (call $entry (local.get $context) (i32.const $KIND_CONTEXT)))
  (call $host_finalize (global.get $caller) (i32.load offset=$ENTRY_VALUE (local.get $entry)))
  (call $release (local.get $entry)))

;; Stands for the guest's realloc where it names none.
(func (export "guest-realloc") (param i32 i32 i32 i32) (result i32) unreachable)
