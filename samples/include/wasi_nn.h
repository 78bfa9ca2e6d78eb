/* wasi-nn for C guests, in the ABI of the specification:
 * https://github.com/WebAssembly/wasi-nn/blob/71320d9/wasi-nn.witx
 *
 * The functions are imported from the module WASI_NN_MODULE; define it before the include to have
 * another name than the default.
 */
#ifndef WASI_NN_H
#define WASI_NN_H

#include <stdint.h>

#ifndef WASI_NN_MODULE
#define WASI_NN_MODULE "wasi_ephemeral_nn"
#endif

#define WASI_NN_IMPORT(name) \
    __attribute__((import_module(WASI_NN_MODULE), import_name(#name))) nn_errno nn_##name

typedef uint32_t nn_errno;
enum {
    NN_SUCCESS = 0,
    NN_INVALID_ARGUMENT = 1,
    NN_INVALID_ENCODING = 2,
    NN_MISSING_MEMORY = 3,
    NN_BUSY = 4,
    NN_RUNTIME_ERROR = 5,
    NN_UNSUPPORTED_OPERATION = 6,
    NN_TOO_LARGE = 7,
    NN_NOT_FOUND = 8,
};

typedef uint32_t nn_encoding;
enum {
    NN_OPENVINO = 0,
    NN_ONNX = 1,
    NN_TENSORFLOW = 2,
    NN_PYTORCH = 3,
    NN_TENSORFLOWLITE = 4,
    NN_AUTODETECT = 5,
};

typedef uint32_t nn_target;
enum { NN_CPU = 0, NN_GPU = 1, NN_TPU = 2 };

typedef uint8_t nn_tensor_type;
enum { NN_F16 = 0, NN_F32 = 1, NN_F64 = 2, NN_U8 = 3, NN_I32 = 4, NN_I64 = 5 };

typedef uint32_t nn_graph;
typedef uint32_t nn_context;

/* One part of a model; the length is in bytes. */
typedef struct {
    const void *data;
    uint32_t len;
} nn_builder;

/* `dimensions_len` counts dimensions, `data_len` bytes. */
typedef struct {
    const uint32_t *dimensions;
    uint32_t dimensions_len;
    nn_tensor_type type;
    const void *data;
    uint32_t data_len;
} nn_tensor;

_Static_assert(sizeof(nn_tensor) == 20, "the tensor is 20 bytes on wasm32");

WASI_NN_IMPORT(load)(const nn_builder *builders, uint32_t builders_len, nn_encoding encoding,
                     nn_target target, nn_graph *graph);
WASI_NN_IMPORT(load_by_name)(const char *name, uint32_t name_len, nn_graph *graph);
WASI_NN_IMPORT(init_execution_context)(nn_graph graph, nn_context *context);
WASI_NN_IMPORT(set_input)(nn_context context, uint32_t index, const nn_tensor *tensor);
WASI_NN_IMPORT(compute)(nn_context context);

/* Copies the output to `buffer`. Sizes are in bytes; with NN_TOO_LARGE `*written` is the size
 * that is needed. */
WASI_NN_IMPORT(get_output)(nn_context context, uint32_t index, void *buffer, uint32_t buffer_size,
                           uint32_t *written);

#endif
