;; A function import that takes the very type (custom descriptors).
(type $exits (func (param i32)))
(type $writes (func (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (type $writes)))
(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (exact (type $exits))))
(func $feature)
