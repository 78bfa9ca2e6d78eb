/* wasi:nn for components in C: the functions of version 0.2.0-rc-2024-10-28, as the core module of a
 * component imports them. `wasm-tools component embed` adds the types, from components/wit/.
 *
 * Handles are the guest's until it drops them, or hands them over: compute takes the tensors of its
 * list. Lists and strings in results are allocated with malloc, and have to be freed.
 */
#ifndef WASI_NN_COMPONENT_H
#define WASI_NN_COMPONENT_H

#include <stdint.h>
#include <stdlib.h>

#define WASI_NN_VERSION "0.2.0-rc-2024-10-28"
#define WASI_NN_IMPORT(interface, name)                                    \
    __attribute__((import_module("wasi:nn/" interface "@" WASI_NN_VERSION), \
                   import_name(name)))

typedef int32_t nn_tensor;
typedef int32_t nn_graph;
typedef int32_t nn_context;
typedef int32_t nn_error;

typedef int32_t nn_tensor_type;
enum { NN_F16 = 0, NN_F32 = 1, NN_F64 = 2, NN_BF16 = 3, NN_U8 = 4, NN_I32 = 5, NN_I64 = 6 };

typedef int32_t nn_encoding;
enum {
    NN_OPENVINO = 0,
    NN_ONNX = 1,
    NN_TENSORFLOW = 2,
    NN_PYTORCH = 3,
    NN_TENSORFLOWLITE = 4,
    NN_GGML = 5,
    NN_AUTODETECT = 6,
};

typedef int32_t nn_target;
enum { NN_CPU = 0, NN_GPU = 1, NN_TPU = 2 };

typedef int32_t nn_error_code;
enum {
    NN_INVALID_ARGUMENT = 0,
    NN_INVALID_ENCODING = 1,
    NN_TIMEOUT = 2,
    NN_RUNTIME_ERROR = 3,
    NN_UNSUPPORTED_OPERATION = 4,
    NN_TOO_LARGE = 5,
    NN_NOT_FOUND = 6,
    NN_SECURITY = 7,
    NN_UNKNOWN = 8,
};

/* Lists, with their lengths in bytes. Text has no NUL at its end. */
typedef struct {
    const void *data;
    uint32_t len;
} nn_builder;

typedef struct {
    uint8_t *data;
    uint32_t len;
} nn_bytes;

typedef struct {
    char *data;
    uint32_t len;
} nn_string;

/* `len` counts dimensions. */
typedef struct {
    uint32_t *data;
    uint32_t len;
} nn_dimensions;

typedef struct {
    nn_string name;
    nn_tensor tensor;
} nn_named_tensor;

/* Results: `error` where `failed` is not 0, and the other member otherwise. */
typedef struct {
    uint8_t failed;
    union {
        nn_graph graph;
        nn_error error;
    };
} nn_graph_result;

typedef struct {
    uint8_t failed;
    union {
        nn_context context;
        nn_error error;
    };
} nn_context_result;

typedef struct {
    uint8_t failed;
    union {
        struct {
            nn_named_tensor *data;
            uint32_t len;
        } outputs;
        nn_error error;
    };
} nn_compute_result;

WASI_NN_IMPORT("tensor", "[constructor]tensor")
nn_tensor nn_tensor_new(const uint32_t *dimensions, uint32_t dimensions_len, nn_tensor_type type,
                        const void *data, uint32_t data_len);
WASI_NN_IMPORT("tensor", "[method]tensor.dimensions")
void nn_tensor_dimensions(nn_tensor tensor, nn_dimensions *result);
WASI_NN_IMPORT("tensor", "[method]tensor.ty") nn_tensor_type nn_tensor_ty(nn_tensor tensor);
WASI_NN_IMPORT("tensor", "[method]tensor.data")
void nn_tensor_data(nn_tensor tensor, nn_bytes *result);
WASI_NN_IMPORT("tensor", "[resource-drop]tensor") void nn_tensor_drop(nn_tensor tensor);

WASI_NN_IMPORT("graph", "load")
void nn_load(const nn_builder *builders, uint32_t builders_len, nn_encoding encoding,
             nn_target target, nn_graph_result *result);
WASI_NN_IMPORT("graph", "load-by-name")
void nn_load_by_name(const char *name, uint32_t name_len, nn_graph_result *result);
WASI_NN_IMPORT("graph", "[method]graph.init-execution-context")
void nn_init_execution_context(nn_graph graph, nn_context_result *result);
WASI_NN_IMPORT("graph", "[resource-drop]graph") void nn_graph_drop(nn_graph graph);

WASI_NN_IMPORT("inference", "[method]graph-execution-context.compute")
void nn_compute(nn_context context, const nn_named_tensor *inputs, uint32_t inputs_len,
                nn_compute_result *result);
WASI_NN_IMPORT("inference", "[resource-drop]graph-execution-context")
void nn_context_drop(nn_context context);

WASI_NN_IMPORT("errors", "[method]error.code") nn_error_code nn_error_get_code(nn_error error);
WASI_NN_IMPORT("errors", "[method]error.data")
void nn_error_get_data(nn_error error, nn_string *result);
WASI_NN_IMPORT("errors", "[resource-drop]error") void nn_error_drop(nn_error error);

/* What the host calls for the memory of results. malloc aligns to 16 bytes, and no result needs
 * more than 4. */
__attribute__((weak, export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size,
                                                                     size_t align, size_t new_size)
{
    (void)old_size;
    (void)align;
    void *data = realloc(old, new_size);
    if (!data && new_size)
        __builtin_trap();
    return data;
}

#endif
