/* Reads a handwritten digit from a greyscale image (PGM, P2 or P5) and says which digit it is.
 *
 *     digits.wasm MODEL.onnx|MODEL.tflite IMAGE.pgm [IMAGE.pgm ...]
 *
 * The model takes 8 by 8 brightnesses from 0 (background) to 1 (ink), and gives ten probabilities.
 * Images of other sizes are averaged down to that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits.h"
#include "wasi_nn.h"

static void check(nn_errno error, const char *call)
{
    if (error != NN_SUCCESS) {
        fprintf(stderr, "digits: %s failed with wasi-nn error %u\n", call, error);
        exit(1);
    }
}

/* The model's format, by the end of its name. */
static nn_encoding encoding_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && strcmp(dot, ".tflite") == 0 ? NN_TENSORFLOWLITE : NN_ONNX;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: digits MODEL.onnx|MODEL.tflite IMAGE.pgm...\n");
        return 2;
    }
    uint32_t model_size;
    void *model = read_file(argv[1], &model_size);
    nn_builder builder = {model, model_size};
    nn_graph graph;
    check(nn_load(&builder, 1, encoding_of(argv[1]), NN_CPU, &graph), "load");
    free(model);
    nn_context context;
    check(nn_init_execution_context(graph, &context), "init_execution_context");

    for (int i = 2; i < argc; i++) {
        float pixels[SIDE][SIDE];
        read_pgm(argv[i], pixels);
        const uint32_t shape[] = {1, SIDE * SIDE};
        nn_tensor input = {shape, 2, NN_F32, pixels, sizeof pixels};
        check(nn_set_input(context, 0, &input), "set_input");
        check(nn_compute(context), "compute");

        float probabilities[DIGITS];
        uint32_t written;
        check(nn_get_output(context, 0, probabilities, sizeof probabilities, &written),
              "get_output");
        if (written != sizeof probabilities)
            fail("does not give ten probabilities", argv[1]);
        int best = 0;
        for (int digit = 1; digit < DIGITS; digit++)
            if (probabilities[digit] > probabilities[best])
                best = digit;
        printf("%s: %d (%.1f%%)\n", argv[i], best, 100 * (double)probabilities[best]);
    }
    return 0;
}
