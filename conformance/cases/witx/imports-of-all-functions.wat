;; All six functions of the specification can be imported.
;; source: witx:59 "(module $wasi_ephemeral_nn"
;; expect: linked=1
;; avoid: Import only the functions that are called: linkers leave out the others.

(func $case
  (call $number (i32.const "linked") (i32.const 1)))
(elem $all declare func $load $load_by_name $init_execution_context $set_input $compute
  $get_output)
