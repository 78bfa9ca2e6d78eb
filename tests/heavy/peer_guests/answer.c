/* Runs a model once: answer ENCODING SIZE INPUTS {TYPE SHAPE INPUT}... MODEL...
 *
 * ENCODING and TYPE are the numbers of the guest's ABI, INPUT is a file, of which there are INPUTS.
 * Prints SIZE bytes of the first output, or which call failed, with the errno. With WAMR it is
 * built for WAMR's older ABI, else for the specification's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef WAMR
#include "wasi_nn_wamr.h"
#else
#include "wasi_nn.h"
#endif

enum { ROOM = 4096 };

static unsigned char output[4 * ROOM]; /* as some hosts write four times what is declared */

static nn_builder read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *data = calloc((size_t)size + 1, 1); /* WAMR's OpenVINO wants a NUL after the XML */
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
        abort();
    fclose(file);
    return (nn_builder){data, (uint32_t)size};
}

static void check(const char *call, nn_errno error)
{
    if (error == NN_SUCCESS)
        return;
    printf("%s: %u\n", call, error);
    exit(1);
}

static void set_input(nn_context context, uint32_t index, char **words)
{
    uint32_t shape[8], rank = 0;
    for (char *next = words[1]; *next && rank < 8; next += *next == 'x')
        shape[rank++] = (uint32_t)strtoul(next, &next, 10);
    nn_builder data = read_file(words[2]);
    nn_tensor_type type = (nn_tensor_type)atoi(words[0]);
#ifdef WAMR
    nn_dimensions dimensions = {shape, rank};
    nn_tensor tensor = {&dimensions, type, data.data};
#else
    nn_tensor tensor = {shape, rank, type, data.data, data.len};
#endif
    check("set_input", nn_set_input(context, index, &tensor));
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: answer ENCODING SIZE INPUTS {TYPE SHAPE INPUT}... MODEL...\n");
        return 2;
    }
    nn_encoding encoding = (nn_encoding)atoi(argv[1]);
    int inputs = atoi(argv[3]);
    uint32_t parts = 0, size = ROOM;
    nn_builder builders[2];
    for (int i = 4 + 3 * inputs; i < argc && parts < 2; i++)
        builders[parts++] = read_file(argv[i]);
    nn_graph graph;
    nn_context context;
#ifdef WAMR
    nn_builder_array array = {builders, parts};
    check("load", nn_load(&array, encoding, NN_CPU, &graph));
#else
    check("load", nn_load(builders, parts, encoding, NN_CPU, &graph));
#endif
    check("init_execution_context", nn_init_execution_context(graph, &context));
    for (int i = 0; i < inputs; i++)
        set_input(context, (uint32_t)i, argv + 4 + 3 * i);
    check("compute", nn_compute(context));
#ifdef WAMR
    check("get_output", nn_get_output(context, 0, output, &size));
#else
    check("get_output", nn_get_output(context, 0, output, ROOM, &size));
#endif
    for (int i = 0; i < atoi(argv[2]) && i < ROOM; i++)
        printf("%02x", output[i]);
    printf("\n");
    return 0;
}
