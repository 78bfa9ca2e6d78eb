;; A model with a context, the steps of an inference, and what an output is compared with.
;; $DIMENSIONS is a string.
(import "$MODULE" "init_execution_context" (func $init_context (param i32 i32) (result i32)))
(import "$MODULE" "compute" (func $compute (param i32) (result i32)))
(data (offset (i32.const $DIMS)) $DIMENSIONS)

(func $context (result i32) (i32.load (i32.const $CONTEXT)))

;; Each of these returns the errno of the first step that failed.
(func $opened (result i32)
  (local $errno i32)
  (local.set $errno
    (call $load_model (i32.const $MODEL) (i32.const $ENCODING) (i32.const 0)))
  (if (local.get $errno) (then (return (local.get $errno))))
  (call $init_context (i32.load (i32.const $GRAPH)) (i32.const $CONTEXT)))

(func $set_base (result i32)
  (call $set
    (call $context) (i32.const 0) (i32.const $TYPE) (i32.const $DIMS)
    (i32.const $DATA) (i32.const $LENGTH)))

(func $ready (result i32)
  (local $errno i32)
  (local.set $errno (call $opened))
  (if (local.get $errno) (then (return (local.get $errno))))
  (call $set_base))

(func $computed (result i32)
  (local $errno i32)
  (local.set $errno (call $ready))
  (if (local.get $errno) (then (return (local.get $errno))))
  (call $compute (call $context)))

;; An output into 256 bytes of canaries.
(func $fetch (param $room i32) (result i32)
  (local $at i32)
  (loop $next
    (i32.store8 offset=$OUT (local.get $at) (i32.const $CANARY))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $at) (i32.const 256))))
  (call $get (call $context) (i32.const 0) (i32.const $OUT) (local.get $room)))

;; The number of bytes up to the last one that is not a canary.
(func $extent (result i32)
  (local $at i32)
  (local.set $at (i32.const 256))
  (loop $next
    (if (i32.eqz (local.get $at)) (then (return (i32.const 0))))
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (br_if $next
      (i32.eq (i32.load8_u offset=$OUT (local.get $at)) (i32.const $CANARY))))
  (i32.add (local.get $at) (i32.const 1)))

;; How many bytes from the start are as expected.
(func $agreeing (param $expected i32) (param $length i32) (result i32)
  (local $at i32)
  (block $differs
    (loop $next
      (br_if $differs (i32.ge_u (local.get $at) (local.get $length)))
      (br_if $differs
        (i32.ne
          (i32.load8_u offset=$OUT (local.get $at))
          (i32.load8_u (i32.add (local.get $expected) (local.get $at)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
  (local.get $at))
