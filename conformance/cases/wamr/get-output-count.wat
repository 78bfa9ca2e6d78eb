;; Which size is written for an output of four floats: the header says bytes.
;; source: wamr:103 "@param output_tensor_size Pointer to `output_tensor` maximum size. After the
;; function call it is updated with the copied number of bytes."
;; unspecified
;; avoid: Take the size of the output from the model: hosts with TensorFlow Lite return the number
;; of floats, those with OpenVINO the number of bytes.

(func $case
  (call $computed)
  (call $number (i32.const "get_output") (call $get (i32.const 0) (i32.const 64)))
  (call $number (i32.const "size") (i32.load (i32.const $WRITTEN))))
