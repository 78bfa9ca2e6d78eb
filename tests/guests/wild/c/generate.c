/* Has a named language model go on with a prompt: generate NAME OPTIONS PROMPT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasi_nn_wasmedge.h"

static void check(nn_errno error, const char *call)
{
    if (error == NN_SUCCESS)
        return;
    fprintf(stderr, "%s: %u\n", call, error);
    exit(1);
}

static void set_input(nn_context context, uint32_t index, const char *text)
{
    uint32_t size = (uint32_t)strlen(text);
    nn_tensor tensor = {&size, 1, NN_U8, text, size};
    check(nn_set_input(context, index, &tensor), "set_input");
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: generate NAME OPTIONS PROMPT\n");
        return 2;
    }
    nn_graph graph;
    nn_context context;
    static char output[4096];
    uint32_t size;
    check(nn_load_by_name(argv[1], strlen(argv[1]), &graph), "load_by_name");
    check(nn_init_execution_context(graph, &context), "init_execution_context");
    set_input(context, 1, argv[2]);
    set_input(context, 0, argv[3]);
    check(nn_compute(context), "compute");
    check(nn_get_output(context, 0, output, sizeof output, &size), "get_output");
    printf("%.*s\n", (int)size, output);
    check(nn_unload(graph), "unload");
    return 0;
}
