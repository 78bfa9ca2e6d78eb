/* wasi-nn for C guests, with WasmEdge's extensions of the specification:
 * https://github.com/WasmEdge/WasmEdge/tree/d516c5d/plugins/wasi_nn
 */
#ifndef WASI_NN_WASMEDGE_H
#define WASI_NN_WASMEDGE_H

#include "wasi_nn.h"

enum {
    NN_GGML = 6,
    NN_NEURALSPEED = 7,
    NN_WHISPER = 9,
    NN_MLX = 10,
    NN_PIPER = 11,
    NN_CHATTTS = 12,
    NN_OPENVINOGENAI = 13,
    NN_BITNET = 14,
};

enum {
    NN_END_OF_SEQUENCE = 100,
    NN_CONTEXT_FULL = 101,
    NN_PROMPT_TOO_LONG = 102,
    NN_MODEL_NOT_FOUND = 103,
};

/* The configuration is a JSON object, or nothing at all. */
WASI_NN_IMPORT(load_by_name_with_config)(const char *name, uint32_t name_len, const char *config,
                                         uint32_t config_len, nn_graph *graph);
WASI_NN_IMPORT(unload)(nn_graph graph);
WASI_NN_IMPORT(finalize_execution_context)(nn_context context);

/* One part of the output after the other, until NN_END_OF_SEQUENCE. */
WASI_NN_IMPORT(compute_single)(nn_context context);
WASI_NN_IMPORT(get_output_single)(nn_context context, uint32_t index, void *buffer,
                                  uint32_t buffer_size, uint32_t *written);
WASI_NN_IMPORT(fini_single)(nn_context context);

#endif
