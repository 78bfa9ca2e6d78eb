;; A TensorFlow Lite model cannot be used there if it is loaded by name, so this is another model.
i32.const $OPENVINO_KEPT  local.set $keep
