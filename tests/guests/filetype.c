/* Says of what type a file is, with the model of Google's Magika, version 3.3:
 *
 *     filetype FILE...
 *
 * The model is a named graph, "magika". It takes the first and the last 1,024 bytes of a file as
 * numbers, without the white space around its content and padded with 256, and gives a score for
 * each type. Printed are the best type's place and score.
 */
#include <stdio.h>
#include <string.h>

#include "wasi_nn.h"

enum { SIDE = 1024, BLOCK = 4096, PADDING = 256, TYPES = 214 };

static int is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int read_features(const char *path, int32_t features[2 * SIDE])
{
    static unsigned char first[BLOCK], last[BLOCK];
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    size_t size = fread(first, 1, BLOCK, file);
    fseek(file, 0, SEEK_END);
    long end = ftell(file);
    fseek(file, end > BLOCK ? end - BLOCK : 0, SEEK_SET);
    size_t last_size = fread(last, 1, BLOCK, file);
    fclose(file);
    size_t start = 0;
    while (start < size && is_space(first[start]))
        start++;
    while (last_size > 0 && is_space(last[last_size - 1]))
        last_size--;
    for (size_t i = 0; i < SIDE; i++) {
        features[i] = start + i < size ? first[start + i] : PADDING;
        features[2 * SIDE - 1 - i] = i < last_size ? last[last_size - 1 - i] : PADDING;
    }
    return 1;
}

int main(int argc, char **argv)
{
    static const uint32_t shape[] = {1, 2 * SIDE};
    static int32_t features[2 * SIDE];
    static float scores[TYPES];
    nn_graph graph;
    nn_context context;
    uint32_t size;
    if (nn_load_by_name("magika", 6, &graph) || nn_init_execution_context(graph, &context))
        return 1;
    for (int file = 1; file < argc; file++) {
        nn_tensor tensor = {shape, 2, NN_I32, features, sizeof features};
        if (!read_features(argv[file], features) || nn_set_input(context, 0, &tensor) ||
            nn_compute(context) || nn_get_output(context, 0, scores, sizeof scores, &size) ||
            size != sizeof scores)
            return 1;
        int best = 0;
        for (int type = 1; type < TYPES; type++)
            if (scores[type] > scores[best])
                best = type;
        printf("%d %.6f\n", best, scores[best]);
    }
    return 0;
}
