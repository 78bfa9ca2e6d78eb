;; A module's name once for two imports.
(import "wasi_snapshot_preview1"
  (item "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (item "proc_exit" (func $proc_exit (param i32))))
(func $feature)
