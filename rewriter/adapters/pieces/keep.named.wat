;; A model of TensorFlow Lite that is loaded by its name is of no use there, so that it is another.
i32.const $OPENVINO_KEPT  local.set $keep
