/* Asks a language model as LlamaEdge's programs do: llamaedge NAME METADATA PROMPT...
 *
 * The dimensions of every tensor are [1], whatever its length; the metadata are set before each
 * prompt; each prompt is answered at once, and then again piece by piece.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasi_nn_wasmedge.h"

static char output[4096];

static void check(nn_errno error, const char *call)
{
    if (error == NN_SUCCESS)
        return;
    fprintf(stderr, "%s: %u\n", call, error);
    exit(1);
}

static void set_input(nn_context context, uint32_t index, const char *text)
{
    static const uint32_t dimensions[] = {1};
    nn_tensor tensor = {dimensions, 1, NN_U8, text, (uint32_t)strlen(text)};
    check(nn_set_input(context, index, &tensor), "set_input");
}

static void print_output(nn_context context, uint32_t index)
{
    uint32_t size = 0;
    check(nn_get_output(context, index, output, sizeof output, &size), "get_output");
    printf("%.*s\n", (int)size, output);
}

#ifdef STREAMING
static void stream(nn_context context)
{
    nn_errno error;
    while ((error = nn_compute_single(context)) == NN_SUCCESS) {
        uint32_t size = 0;
        check(nn_get_output_single(context, 0, output, sizeof output, &size), "get_output_single");
        printf("[%.*s]", (int)size, output);
        fflush(stdout);
    }
    if (error != NN_END_OF_SEQUENCE && error != NN_CONTEXT_FULL && error != NN_PROMPT_TOO_LONG)
        check(error, "compute_single");
    printf(" %u\n", error);
    check(nn_fini_single(context), "fini_single");
}
#endif

int main(int argc, char **argv)
{
    nn_graph graph;
    nn_context context;
    if (argc < 4)
        return 2;
#ifdef BY_NAME
    check(nn_load_by_name(argv[1], strlen(argv[1]), &graph), "load_by_name");
#else
    check(nn_load_by_name_with_config(argv[1], strlen(argv[1]), argv[2], strlen(argv[2]), &graph),
          "load_by_name_with_config");
#endif
    check(nn_init_execution_context(graph, &context), "init_execution_context");
    for (int i = 3; i < argc; i++) {
        set_input(context, 1, argv[2]);
        set_input(context, 0, argv[i]);
        check(nn_compute(context), "compute");
        print_output(context, 0);
        print_output(context, 1);
#ifdef STREAMING
        set_input(context, 0, argv[i]);
        stream(context);
#endif
    }
    check(nn_finalize_execution_context(context), "finalize_execution_context");
    check(nn_unload(graph), "unload");
    return 0;
}
