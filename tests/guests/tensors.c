/* Runs a model on tensors from files, and prints the bytes of its outputs; for either ABI.
 *
 *     tensors MODEL OUTPUTS {f16|f32|u8|i32 DIM,DIM... FILE}...
 *
 * The model is ONNX, TensorFlow Lite's by its name, or OpenVINO's in two files: XML+WEIGHTS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef WAMR
#include "wasi_nn_wamr.h"
#else
#include "wasi_nn.h"
#endif

enum { MAX_RANK = 8, ROOM = 1 << 20 };

static char model[ROOM], weights[ROOM], input[ROOM], output[ROOM];

static uint32_t read_file(const char *path, char *data)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        exit(3);
    uint32_t size = (uint32_t)fread(data, 1, ROOM, file);
    fclose(file);
    return size;
}

static void check(nn_errno error, const char *call)
{
    if (error == NN_SUCCESS)
        return;
    printf("%s: %u\n", call, error);
    exit(1);
}

static nn_graph load(char *path)
{
    nn_graph graph;
    nn_builder builders[2];
    char *second = strchr(path, '+');
    if (second)
        *second++ = 0;
    builders[0] = (nn_builder){model, read_file(path, model)};
    builders[1] = (nn_builder){weights, second ? read_file(second, weights) : 0};
    uint32_t count = second ? 2 : 1;
    nn_encoding encoding = second                   ? NN_OPENVINO
                           : strstr(path, ".tflite") ? NN_TENSORFLOWLITE
                                                     : NN_ONNX;
#ifdef WAMR
    nn_builder_array array = {builders, count};
    check(nn_load(&array, encoding, NN_CPU, &graph), "load");
#else
    check(nn_load(builders, count, encoding, NN_CPU, &graph), "load");
#endif
    return graph;
}

static nn_tensor_type type_of(const char *name)
{
    if (!strcmp(name, "f16"))
        return NN_F16;
    if (!strcmp(name, "f32"))
        return NN_F32;
    return strcmp(name, "u8") ? NN_I32 : NN_U8;
}

static void feed(nn_context context, uint32_t index, char **words)
{
    uint32_t shape[MAX_RANK], rank = 0;
    for (char *dim = strtok(words[1], ","); dim && rank < MAX_RANK; dim = strtok(NULL, ","))
        shape[rank++] = (uint32_t)strtoul(dim, NULL, 10);
    uint32_t size = read_file(words[2], input);
#ifdef WAMR
    (void)size;
    nn_dimensions dimensions = {shape, rank};
    nn_tensor tensor = {&dimensions, type_of(words[0]), input};
#else
    nn_tensor tensor = {shape, rank, type_of(words[0]), input, size};
#endif
    check(nn_set_input(context, index, &tensor), "set_input");
}

static void print_output(nn_context context, uint32_t index)
{
    uint32_t size;
#ifdef WAMR
    size = ROOM / 4;
    check(nn_get_output(context, index, output, &size), "get_output");
    size *= 4;
#else
    check(nn_get_output(context, index, output, ROOM, &size), "get_output");
#endif
    for (uint32_t i = 0; i < size; i++)
        printf("%02x", (unsigned char)output[i]);
    printf("\n");
}

int main(int argc, char **argv)
{
    if (argc < 6 || argc % 3)
        return 2;
    nn_context context;
    check(nn_init_execution_context(load(argv[1]), &context), "init");
    for (int i = 3; i < argc; i += 3)
        feed(context, (uint32_t)(i / 3 - 1), argv + i);
    check(nn_compute(context), "compute");
    for (int i = 0; i < atoi(argv[2]); i++)
        print_output(context, (uint32_t)i);
    return 0;
}
