;; What is written as the size of an output of four floats: the header says bytes.
;; source: wamr:103 "@param output_tensor_size Pointer to `output_tensor` maximum size. After the
;; function call it is updated with the copied number of bytes."
;; unspecified
;; avoid: Take the size of the output from the model: TensorFlow Lite gives the number of floats,
;; OpenVINO that of bytes.

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 64)))
  (call $number (i32.const "size") (i32.load (i32.const $WRITTEN))))
