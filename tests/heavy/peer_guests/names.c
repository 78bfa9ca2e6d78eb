/* Loads a model by name, and says what the host answers: names FORM NAME
 *
 * FORM says what stands after the name: `x` a letter, `nul` a NUL that is not counted, `counted` a
 * NUL that is part of the name. With CONFIG, a string, it is load_by_name_with_config with that; with
 * WAMR it imports from `wasi_nn`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef WAMR
#include "wasi_nn_wamr.h"
#else
#include "wasi_nn_wasmedge.h"
#endif

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    uint32_t len = (uint32_t)strlen(argv[2]);
    char *name = malloc(len + 2);
    memcpy(name, argv[2], len);
    name[len] = strcmp(argv[1], "x") ? 0 : 'x';
    name[len + 1] = 0;
    len += !strcmp(argv[1], "counted");
    nn_graph graph = 999;
#ifdef CONFIG
    nn_errno error = nn_load_by_name_with_config(name, len, CONFIG, sizeof CONFIG - 1, &graph);
#else
    nn_errno error = nn_load_by_name(name, len, &graph);
#endif
    printf("load_by_name: %u\n", error);
    fflush(stdout);
    nn_context context = 999;
    if (error == NN_SUCCESS)
        printf("init_execution_context: %u\n", nn_init_execution_context(graph, &context));
    return 0;
}
