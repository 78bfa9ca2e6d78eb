;; A component that a host starts as a command. $IMPORTS are its imports, which it does not use. Its
;; function succeeds if $FAILS is 0.
(component
  $IMPORTS
  (core module $main (func (export "run") (result i32) (i32.const $FAILS)))
  (core instance $main (instantiate $main))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
