/* Loads nothing, and traps in a function of its own when that fails. */
#ifdef WAMR
#include "wasi_nn_wamr.h"
#else
#include "wasi_nn.h"
#endif

__attribute__((noinline)) static void give_up(nn_errno error)
{
    if (error != NN_SUCCESS)
        __builtin_trap();
}

int main(void)
{
    nn_graph graph = 0;
    nn_builder builder = {"no model", 8};
#ifdef WAMR
    nn_builder_array builders = {&builder, 1};
    nn_errno error = nn_load(&builders, NN_ONNX, NN_CPU, &graph);
#else
    nn_errno error = nn_load(&builder, 1, NN_ONNX, NN_CPU, &graph);
#endif
    give_up(error);
    return (int)graph;
}
