/* wasi-nn for C guests, in WAMR's older ABI, which its hosts register as `wasi_nn`:
 * https://github.com/bytecodealliance/wasm-micro-runtime/tree/646b5a9/core/iwasm/libraries/wasi-nn
 *
 * Sizes of outputs are counted in 32-bit floats, in and out.
 */
#ifndef WASI_NN_WAMR_H
#define WASI_NN_WAMR_H

#include <stdint.h>

#define WASI_NN_IMPORT(name) \
    __attribute__((import_module("wasi_nn"), import_name(#name))) nn_errno nn_##name

typedef uint32_t nn_errno;
enum { NN_SUCCESS = 0, NN_TOO_LARGE = 7 };

typedef uint32_t nn_encoding;
enum {
    NN_OPENVINO = 0,
    NN_ONNX = 1,
    NN_TENSORFLOW = 2,
    NN_PYTORCH = 3,
    NN_TENSORFLOWLITE = 4,
    NN_GGML = 5,
    NN_AUTODETECT = 6,
};

typedef uint32_t nn_target;
enum { NN_CPU = 0, NN_GPU = 1, NN_TPU = 2 };

typedef uint32_t nn_tensor_type;
enum { NN_F16 = 0, NN_F32 = 1, NN_U8 = 2, NN_I32 = 3 };

typedef uint32_t nn_graph;
typedef uint32_t nn_context;

typedef struct {
    const void *data;
    uint32_t len;
} nn_builder;

typedef struct {
    const nn_builder *builders;
    uint32_t len;
} nn_builder_array;

typedef struct {
    const uint32_t *dimensions;
    uint32_t len;
} nn_dimensions;

typedef struct {
    const nn_dimensions *dimensions;
    nn_tensor_type type;
    const void *data;
} nn_tensor;

_Static_assert(sizeof(nn_tensor) == 12, "the tensor is 12 bytes on wasm32");

WASI_NN_IMPORT(load)(const nn_builder_array *builders, nn_encoding encoding, nn_target target,
                     nn_graph *graph);
WASI_NN_IMPORT(load_by_name)(const char *name, uint32_t name_len, nn_graph *graph);
WASI_NN_IMPORT(init_execution_context)(nn_graph graph, nn_context *context);
WASI_NN_IMPORT(set_input)(nn_context context, uint32_t index, const nn_tensor *tensor);
WASI_NN_IMPORT(compute)(nn_context context);

/* `*size` is the room in the buffer, and then the size of the output, in 32-bit floats. */
WASI_NN_IMPORT(get_output)(nn_context context, uint32_t index, void *buffer, uint32_t *size);

#endif
