;; These hosts cannot use TensorFlow Lite models that are loaded by name, so the model counts as one
;; for another backend.
i32.const $OPENVINO_KEPT  local.set $keep
