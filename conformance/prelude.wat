;; The parts that cases share. A module gets the forms of this file that its case needs, by their
;; names; a form in a case replaces the form with its name here. Names in capitals are numbers, and a
;; string in place of a number is the address of that text: see build.py.

;; The contents of memory. Bytes 0 to 63 are zero, for null pointers.
(data $handles (offset (i32.const $GRAPH)) (repeat "\ee" 32))
(data $dims (offset (i32.const $DIMS)) (u32 1 1 1 4))
(data $dims_2 (offset (i32.const $DIMS_2)) (u32 1 1 1 4))
(data $data (offset (i32.const $DATA)) (f32 1 2 3 4))
(data $data_2 (offset (i32.const $DATA_2)) (f32 10 20 30 40))
(data $out (offset (i32.const $OUT)) (repeat "\aa" 256))
(memory $memory (export "memory") 1)

;; Run

(func $_start (export "_start")
  (call $line (i32.const "start"))
  (call $case)
  (call $finish))

(func $finish
  (call $line (i32.const "end"))
  (call $proc_exit (i32.const 0)))

;; Ends the module if a prerequisite of the case does not work, so that the case is not judged.
(func $must (param $name i32) (param $errno i32)
  (if (local.get $errno)
    (then
      (call $put_text (i32.const "blocked "))
      (call $number (local.get $name) (local.get $errno))
      (call $finish))))

;; Print

(func $put (param $byte i32)
  (i32.store8 (global.get $cursor) (local.get $byte))
  (global.set $cursor (i32.add (global.get $cursor) (i32.const 1))))

(global $cursor (mut i32) (i32.const $LINE))

;; Texts end with a zero.
(func $put_text (param $text i32)
  (loop $next
    (if (i32.load8_u (local.get $text))
      (then
        (call $put (i32.load8_u (local.get $text)))
        (local.set $text (i32.add (local.get $text) (i32.const 1)))
        (br $next)))))

(func $flush
  (call $put (i32.const 10))
  (i32.store (i32.const $IOV) (i32.const $LINE))
  (i32.store offset=4 (i32.const $IOV) (i32.sub (global.get $cursor) (i32.const $LINE)))
  (drop (call $fd_write
    (i32.const 1) (i32.const $IOV) (i32.const 1) (i32.add (i32.const $IOV) (i32.const 8))))
  (global.set $cursor (i32.const $LINE)))

(func $line (param $text i32)
  (call $put_text (local.get $text))
  (call $flush))

;; NAME=VALUE, unsigned.
(func $number (param $name i32) (param $value i32)
  (call $put_text (local.get $name))
  (call $put (i32.const 61))
  (call $digits (local.get $value))
  (call $flush))

(func $digits (param $value i32)
  (if (i32.gt_u (local.get $value) (i32.const 9))
    (then (call $digits (i32.div_u (local.get $value) (i32.const 10)))))
  (call $put (i32.add (i32.const 48) (i32.rem_u (local.get $value) (i32.const 10)))))

;; NAME=BYTES in hexadecimal digits; 512 of them at most.
(func $bytes (param $name i32) (param $from i32) (param $count i32)
  (call $put_text (local.get $name))
  (call $put (i32.const 61))
  (loop $next
    (if (local.get $count)
      (then
        (call $nibble (i32.shr_u (i32.load8_u (local.get $from)) (i32.const 4)))
        (call $nibble (i32.and (i32.load8_u (local.get $from)) (i32.const 15)))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next))))
  (call $flush))

(func $nibble (param $value i32)
  (call $put (i32.add (local.get $value)
    (select (i32.const 87) (i32.const 48) (i32.gt_u (local.get $value) (i32.const 9))))))

;; Steps that lead to what a case tests

(func $graph (result i32) (i32.load (i32.const $GRAPH)))
(func $graph_2 (result i32) (i32.load (i32.const $GRAPH_2)))
(func $context (result i32) (i32.load (i32.const $CONTEXT)))
(func $context_2 (result i32) (i32.load (i32.const $CONTEXT_2)))

(func $init
  (call $must (i32.const "init_execution_context")
    (call $init_execution_context (call $graph) (i32.const $CONTEXT))))

;; The tensor at TENSOR for input 0, and at TENSOR_2 for input 1.
(func $set (param $index i32)
  (call $must (i32.const "set_input")
    (call $set_input (call $context) (local.get $index)
      (select (i32.const $TENSOR_2) (i32.const $TENSOR) (local.get $index)))))

(func $run
  (call $must (i32.const "compute") (call $compute (call $context))))

;; The base model: loaded and with a context; then with its input; then computed.
(func $opened
  (call $load_base)
  (call $init))

(func $ready
  (call $opened)
  (call $set (i32.const 0)))

(func $computed
  (call $ready)
  (call $run))

;; The model with two inputs, both of them set.
(func $two_ready
  (call $load_two)
  (call $init)
  (call $set (i32.const 0))
  (call $set (i32.const 1)))

;; The errno and the first 16 bytes of an output.
(func $show_output (param $index i32)
  (call $number (i32.const "get_output") (call $get (local.get $index) (i32.const 64)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 16)))

;; The same, and the length that the host writes.
(func $show_whole_output (param $index i32)
  (call $number (i32.const "get_output") (call $get (local.get $index) (i32.const 64)))
  (call $number (i32.const "written") (i32.load (i32.const $WRITTEN)))
  (call $bytes (i32.const "out") (i32.const $OUT) (i32.const 16)))

;; The errno of each step from set_input on, and the output.
(func $show_all_steps
  (call $number (i32.const "set_input")
    (call $set_input (call $context) (i32.const 0) (i32.const $TENSOR)))
  (call $number (i32.const "compute") (call $compute (call $context)))
  (call $show_whole_output (i32.const 0)))
