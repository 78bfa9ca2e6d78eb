;; The six functions beyond the specification's can be imported.
;; source: wasmedge-design:47 "Each host op declares the graph status it requires"
;; expect: linked=1
;; avoid: Import these functions where a host is known to have them: a module with them does not
;; start on others.

(func $case
  (call $number (i32.const "linked") (i32.const 1)))
(elem $all declare func $load_by_name_with_config $compute_single $get_output_single $fini_single
  $unload $finalize_execution_context)
