/* Times wasi-nn calls from inside the guest, so that every host is measured alike.
 *
 *     infer ENCODING DIMS OUTPUT_BYTES ROUNDS CALLS FILE...
 *     infer name DIMS OUTPUT_BYTES ROUNDS CALLS NAME
 *
 * DIMS is the input's shape, as in 1x3x224x224, in 32-bit floats; NAME is a named graph's. In
 * each round set_input, compute and get_output are called CALLS times each, alone, and then one
 * after the other. Printed are nanoseconds: the load, then for each round the four means.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wasi_nn.h"

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static void check(nn_errno error, const char *call)
{
    if (error != NN_SUCCESS) {
        fprintf(stderr, "%s: %u\n", call, error);
        exit(1);
    }
}

static nn_builder read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    fseek(file, 0, SEEK_END);
    uint32_t size = (uint32_t)ftell(file);
    rewind(file);
    void *data = malloc(size ? size : 1);
    if (fread(data, 1, size, file) != size)
        exit(1);
    fclose(file);
    return (nn_builder){data, size};
}

static nn_context context;
static nn_tensor tensor;
static void *output;
static uint32_t output_size, written;

static void set_input(void)
{
    check(nn_set_input(context, 0, &tensor), "set_input");
}

static void compute(void)
{
    check(nn_compute(context), "compute");
}

static void get_output(void)
{
    check(nn_get_output(context, 0, output, output_size, &written), "get_output");
}

static void all(void)
{
    set_input();
    compute();
    get_output();
}

static double mean(void (*call)(void), int calls)
{
    double start = now();
    for (int i = 0; i < calls; i++)
        call();
    return (now() - start) / calls;
}

int main(int argc, char **argv)
{
    uint32_t dims[8], rank = 0, elements = 1;
    for (char *text = argv[2]; *text && rank < 8; rank++) {
        dims[rank] = (uint32_t)strtoul(text, &text, 10);
        elements *= dims[rank];
        text += *text == 'x';
    }
    float *input = malloc(elements * sizeof *input);
    for (uint32_t i = 0; i < elements; i++)
        input[i] = (float)(i % 251) / 251;
    tensor = (nn_tensor){dims, rank, NN_F32, input, elements * sizeof *input};
    output_size = (uint32_t)atoi(argv[3]);
    output = malloc(output_size);
    int rounds = atoi(argv[4]), calls = atoi(argv[5]);

    int by_name = !strcmp(argv[1], "name");
    nn_builder builders[4];
    for (int i = 6; i < argc && !by_name; i++)
        builders[i - 6] = read_file(argv[i]);
    nn_graph graph;
    double start = now();
    check(by_name ? nn_load_by_name(argv[6], (uint32_t)strlen(argv[6]), &graph)
                  : nn_load(builders, (uint32_t)argc - 6, (uint32_t)atoi(argv[1]), NN_CPU, &graph),
          "load");
    printf("%.0f\n", now() - start);
    check(nn_init_execution_context(graph, &context), "init_execution_context");
    all();
    for (int round = 0; round < rounds; round++)
        printf("%.1f %.1f %.1f %.1f\n", mean(set_input, calls), mean(compute, calls),
               mean(get_output, calls), mean(all, calls));
    return 0;
}
