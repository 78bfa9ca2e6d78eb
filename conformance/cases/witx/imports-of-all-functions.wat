;; All six functions of the specification can be imported.
;; source: witx:59 "(module $wasi_ephemeral_nn"
;; expect: linked=1
;; avoid: Import the functions alone that are called: linkers leave the others out.

(func $case
  (call $number (i32.const "linked") (i32.const 1)))
(elem $all declare func $load $load_by_name $init_execution_context $set_input $compute
  $get_output)
