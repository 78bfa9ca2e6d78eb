/* Calls WasmEdge's extensions, and prints what each of them answers.
 *
 *     extensions NAME CONFIG
 *
 * The model of that name takes two pairs of floats, and gives their sums and products.
 */
#include <stdio.h>
#include <string.h>

#include "wasi_nn_wasmedge.h"

static void feed(nn_context context, uint32_t index, float a, float b)
{
    static const uint32_t two = 2;
    float values[] = {a, b};
    nn_tensor tensor = {&two, 1, NN_F32, values, sizeof values};
    printf("set_input %u\n", nn_set_input(context, index, &tensor));
}

#ifdef STREAMING
static void stream(nn_context context)
{
    char part[16];
    uint32_t size;
    printf("compute_single %u\n", nn_compute_single(context));
    printf("get_output_single %u\n", nn_get_output_single(context, 0, part, sizeof part, &size));
    printf("fini_single %u\n", nn_fini_single(context));
}
#endif

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    nn_graph graph;
    nn_context context;
    float output[2];
    uint32_t size;
    nn_errno error = nn_load_by_name_with_config(argv[1], strlen(argv[1]), argv[2],
                                                 strlen(argv[2]), &graph);
    printf("load %u\n", error);
    if (error != NN_SUCCESS)
        return 1;
    printf("init %u\n", nn_init_execution_context(graph, &context));
    printf("unload %u\n", nn_unload(graph));
    feed(context, 0, 1.5f, -2);
    feed(context, 1, 4, 0.25f);
    printf("compute %u\n", nn_compute(context));
    for (uint32_t i = 0; i < 2; i++) {
        error = nn_get_output(context, i, output, sizeof output, &size);
        printf("get_output %u %g %g\n", error, output[0], output[1]);
    }
#ifdef STREAMING
    stream(context);
#endif
    printf("finalize %u\n", nn_finalize_execution_context(context));
    printf("compute %u\n", nn_compute(context));
    return 0;
}
