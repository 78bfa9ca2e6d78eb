;; The six functions beyond the specification's can be imported.
;; source: wasmedge-design:47 "Each host op declares the graph status it requires"
;; expect: linked=1
;; avoid: Import these functions only for hosts that have them: on others, a module with them does
;; not start.

(func $case
  (call $number (i32.const "linked") (i32.const 1)))
(elem $all declare func $load_by_name_with_config $compute_single $get_output_single $fini_single
  $unload $finalize_execution_context)
