/* Reads a handwritten digit from each greyscale image (PGM, P2 or P5), and prints which it is.
 *
 *     digits.wasm MODEL.onnx|MODEL.tflite|MODEL.xml IMAGE.pgm [IMAGE.pgm ...]
 *
 * OpenVINO's MODEL.xml has its weights in MODEL.bin. The model takes 8 by 8 brightnesses from 0
 * (background) to 1 (ink), and gives ten probabilities. Larger images are averaged down to that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits.h"
#include "wasi_nn_component.h"

static char INPUT[] = "pixels";

static _Noreturn void fail_with(nn_error error, const char *call)
{
    nn_string text;
    nn_error_get_data(error, &text);
    fprintf(stderr, "digits: %s failed with error %d of wasi:nn: %.*s\n", call,
            nn_error_get_code(error), (int)text.len, text.data);
    exit(1);
}

static int ends_with(const char *path, const char *end)
{
    size_t length = strlen(path), ending = strlen(end);
    return length >= ending && strcmp(path + length - ending, end) == 0;
}

/* Loads a model in the format that the end of its name says. */
static nn_graph load_model(const char *path)
{
    nn_builder parts[2];
    uint32_t count = 1;
    nn_encoding encoding = ends_with(path, ".tflite") ? NN_TENSORFLOWLITE : NN_ONNX;
    parts[0].data = read_file(path, &parts[0].len);
    if (ends_with(path, ".xml")) {
        encoding = NN_OPENVINO;
        char *weights = strdup(path);
        if (!weights)
            fail("does not fit in memory", path);
        memcpy(weights + strlen(path) - 4, ".bin", 4);
        parts[count].data = read_file(weights, &parts[count].len);
        count++;
        free(weights);
    }
    nn_graph_result loaded;
    nn_load(parts, count, encoding, NN_CPU, &loaded);
    if (loaded.failed)
        fail_with(loaded.error, "load");
    for (uint32_t i = 0; i < count; i++)
        free((void *)parts[i].data);
    return loaded.graph;
}

static void classify(nn_context context, const float pixels[SIDE][SIDE], float result[DIGITS])
{
    const uint32_t shape[] = {1, SIDE * SIDE};
    nn_named_tensor input = {
        .name = {INPUT, sizeof INPUT - 1},
        .tensor = nn_tensor_new(shape, 2, NN_F32, pixels, SIDE * SIDE * sizeof(float)),
    };
    nn_compute_result computed;
    nn_compute(context, &input, 1, &computed);
    if (computed.failed)
        fail_with(computed.error, "compute");

    nn_bytes output = {NULL, 0};
    for (uint32_t i = 0; i < computed.outputs.len; i++) {
        nn_named_tensor *each = &computed.outputs.data[i];
        if (i == 0)
            nn_tensor_data(each->tensor, &output);
        nn_tensor_drop(each->tensor);
        free(each->name.data);
    }
    free(computed.outputs.data);
    if (output.len != DIGITS * sizeof(float))
        fail("does not give ten probabilities", "the model");
    memcpy(result, output.data, output.len);
    free(output.data);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: digits MODEL.onnx|MODEL.tflite|MODEL.xml IMAGE.pgm...\n");
        return 1;
    }
    nn_graph graph = load_model(argv[1]);
    nn_context_result made;
    nn_init_execution_context(graph, &made);
    if (made.failed)
        fail_with(made.error, "init-execution-context");

    for (int i = 2; i < argc; i++) {
        float pixels[SIDE][SIDE], probabilities[DIGITS];
        read_pgm(argv[i], pixels);
        classify(made.context, pixels, probabilities);
        int best = 0;
        for (int digit = 1; digit < DIGITS; digit++)
            if (probabilities[digit] > probabilities[best])
                best = digit;
        printf("%s: %d (%.1f%%)\n", argv[i], best, 100 * (double)probabilities[best]);
    }
    nn_context_drop(made.context);
    nn_graph_drop(graph);
    return 0;
}
