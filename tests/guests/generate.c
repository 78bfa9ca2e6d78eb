/* Has a language model go on with a text, in WasmEdge's ABI, and prints what comes.
 *
 *     generate NAME CONFIG PROMPT [OPTIONS]
 *
 * OPTIONS are input 1. Built with STREAMING, the text comes in pieces, each between brackets.
 */
#include <stdio.h>
#include <string.h>

#include "wasi_nn_wasmedge.h"

static int failed(const char *function, nn_errno error)
{
    printf("%s %u\n", function, error);
    return 1;
}

static nn_errno feed(nn_context context, uint32_t index, const char *text)
{
    uint32_t size = strlen(text);
    nn_tensor tensor = {&size, 1, NN_U8, text, size};
    return nn_set_input(context, index, &tensor);
}

int main(int argc, char **argv)
{
    nn_graph graph;
    nn_context context;
    static char output[1 << 16];
    uint32_t size;
    nn_errno error = nn_load_by_name_with_config(argv[1], strlen(argv[1]), argv[2],
                                                 strlen(argv[2]), &graph);
    if (error != NN_SUCCESS)
        return failed("load_by_name_with_config", error);
    if ((error = nn_init_execution_context(graph, &context)) != NN_SUCCESS)
        return failed("init_execution_context", error);
    if (argc > 4 && (error = feed(context, 1, argv[4])) != NN_SUCCESS)
        return failed("set_input 1", error);
    if ((error = feed(context, 0, argv[3])) != NN_SUCCESS)
        return failed("set_input 0", error);
#ifdef STREAMING
    while ((error = nn_compute_single(context)) == NN_SUCCESS) {
        if ((error = nn_get_output_single(context, 0, output, sizeof output, &size)) != NN_SUCCESS)
            return failed("get_output_single", error);
        printf("[%.*s]", (int)size, output);
    }
    printf("\ncompute_single %u\n", error);
    if ((error = nn_fini_single(context)) != NN_SUCCESS)
        return failed("fini_single", error);
#else
    error = nn_compute(context);
    printf("compute %u\n", error);
    if ((error = nn_get_output(context, 0, output, sizeof output, &size)) != NN_SUCCESS)
        return failed("get_output 0", error);
    printf("%.*s\n", (int)size, output);
    if ((error = nn_get_output(context, 1, output, sizeof output, &size)) != NN_SUCCESS)
        return failed("get_output 1", error);
    printf("%.*s\n", (int)size, output);
#endif
    return 0;
}
