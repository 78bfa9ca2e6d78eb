/* Reads a handwritten digit from a greyscale image (PGM, P2 or P5) and says which digit it is.
 *
 *     digits.wasm MODEL.onnx|MODEL.tflite IMAGE.pgm [IMAGE.pgm ...]
 *
 * The model takes 8 by 8 brightnesses from 0 (background) to 1 (ink), and gives ten probabilities.
 * Images of other sizes are averaged down to that.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasi_nn.h"

enum { SIDE = 8, DIGITS = 10, MAX_SIDE = 4096 };

static _Noreturn void fail(const char *what, const char *which)
{
    fprintf(stderr, "digits: %s: %s\n", which, what);
    exit(1);
}

static void check(nn_errno error, const char *call)
{
    if (error != NN_SUCCESS) {
        fprintf(stderr, "digits: %s failed with wasi-nn error %u\n", call, error);
        exit(1);
    }
}

static void *read_file(const char *path, uint32_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail("cannot be opened", path);
    char *data = NULL;
    size_t used = 0, room = 0, got = 0;
    do {
        used += got;
        if (used == room) {
            room = room ? 2 * room : 65536;
            data = realloc(data, room);
            if (!data)
                fail("does not fit in memory", path);
        }
        got = fread(data + used, 1, room - used, file);
    } while (got > 0);
    if (ferror(file))
        fail("cannot be read", path);
    fclose(file);
    *size = (uint32_t)used;
    return data;
}

/* The next number of a PGM header: white space and comments stand before it. */
static int header_number(FILE *file, const char *path)
{
    int c = getc(file);
    while (isspace(c) || c == '#') {
        if (c == '#')
            while (c != '\n' && c != EOF)
                c = getc(file);
        c = getc(file);
    }
    int value = 0;
    if (!isdigit(c))
        fail("is not a PGM image", path);
    while (isdigit(c) && value < 65536) {
        value = 10 * value + (c - '0');
        c = getc(file);
    }
    return value;
}

static int sample(FILE *file, const char *path, int plain, int max)
{
    int value = plain ? header_number(file, path) : getc(file);
    if (!plain && max > 255)
        value = value << 8 | getc(file);
    if (value < 0 || value > max)
        fail("is damaged", path);
    return value;
}

static void read_pgm(const char *path, float pixels[SIDE][SIDE])
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail("cannot be opened", path);
    int letter = getc(file), kind = getc(file);
    if (letter != 'P' || (kind != '2' && kind != '5'))
        fail("is not a PGM image", path);
    int width = header_number(file, path), height = header_number(file, path);
    int max = header_number(file, path);
    if (width < SIDE || height < SIDE || width > MAX_SIDE || height > MAX_SIDE)
        fail("has sides under 8 or over 4096", path);
    if (max < 1 || max > 65535)
        fail("is not a PGM image", path);

    float sums[SIDE][SIDE] = {{0}};
    int counts[SIDE][SIDE] = {{0}};
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int row = y * SIDE / height, column = x * SIDE / width;
            sums[row][column] += (float)sample(file, path, kind == '2', max) / (float)max;
            counts[row][column]++;
        }
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column < SIDE; column++)
            pixels[row][column] = sums[row][column] / (float)counts[row][column];
    fclose(file);
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
