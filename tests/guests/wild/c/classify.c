/* Says which digit each image shows: classify TYPE FOLDER IMAGE...
 *
 * FOLDER has an OpenVINO model, which takes 64 brightnesses as f32 (0 to 1), u8 or i32 (0 to 16).
 * Built with BAKED, wizer-initialize reads the model of the folder f32, and wizer.resume goes on
 * from there, as wizer.h has it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef WAMR
#include "wasi_nn_wamr.h"
#else
#include "wasi_nn.h"
#endif

enum { PIXELS = 64, DIGITS = 10 };

static void check(nn_errno error, const char *call)
{
    if (error == NN_SUCCESS)
        return;
    fprintf(stderr, "%s: %u\n", call, error);
    exit(1);
}

static nn_builder read_file(const char *folder, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *data = malloc((size_t)size);
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
        abort();
    fclose(file);
    return (nn_builder){data, (uint32_t)size};
}

static nn_builder builders[2];

static nn_graph load(void)
{
    nn_graph graph;
#ifdef WAMR
    nn_builder_array array = {builders, 2};
    check(nn_load(&array, NN_OPENVINO, NN_CPU, &graph), "load");
#else
    check(nn_load(builders, 2, NN_OPENVINO, NN_CPU, &graph), "load");
#endif
    return graph;
}

static void set_input(nn_context context, nn_tensor_type type, const void *data, uint32_t size)
{
    const uint32_t shape[] = {1, PIXELS};
#ifdef WAMR
    (void)size;
    nn_dimensions dimensions = {shape, 2};
    nn_tensor tensor = {&dimensions, type, data};
#else
    nn_tensor tensor = {shape, 2, type, data, size};
#endif
    check(nn_set_input(context, 0, &tensor), "set_input");
}

static uint32_t get_output(nn_context context, float *output, uint32_t bytes)
{
    uint32_t size;
#ifdef WAMR
    size = bytes / sizeof *output;
    check(nn_get_output(context, 0, output, &size), "get_output");
    return size * sizeof *output;
#else
    check(nn_get_output(context, 0, output, bytes, &size), "get_output");
    return size;
#endif
}

static void classify(nn_context context, const char *type, const char *path)
{
    nn_builder image = read_file(".", path);
    const unsigned char *bytes = image.data;
    if (!strcmp(type, "u8")) {
        set_input(context, NN_U8, bytes, PIXELS);
    } else if (!strcmp(type, "i32")) {
        int pixels[PIXELS];
        for (int i = 0; i < PIXELS; i++)
            pixels[i] = bytes[i];
        set_input(context, NN_I32, pixels, sizeof pixels);
    } else {
        float pixels[PIXELS];
        for (int i = 0; i < PIXELS; i++)
            pixels[i] = (float)bytes[i] / 16;
        set_input(context, NN_F32, pixels, sizeof pixels);
    }
    check(nn_compute(context), "compute");
    float output[DIGITS];
    if (get_output(context, output, sizeof output) != sizeof output)
        abort();
    int best = 0;
    for (int digit = 1; digit < DIGITS; digit++)
        if (output[digit] > output[best])
            best = digit;
    printf("%s: %d (%d)\n", path, best, (int)(1000 * output[best]));
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: classify TYPE FOLDER IMAGE...\n");
        return 2;
    }
    if (!builders[0].data) {
        builders[0] = read_file(argv[2], "model.xml");
        builders[1] = read_file(argv[2], "model.bin");
    }
    nn_context context;
    check(nn_init_execution_context(load(), &context), "init_execution_context");
    for (int i = 3; i < argc; i++)
        classify(context, argv[1], argv[i]);
    return 0;
}

#ifdef BAKED
void __wasm_call_ctors(void);
void __wasilibc_reset_preopens(void);
int __main_void(void);

__attribute__((export_name("wizer-initialize"))) void initialize(void)
{
    __wasm_call_ctors();
    builders[0] = read_file("f32", "model.xml");
    builders[1] = read_file("f32", "model.bin");
    __wasilibc_reset_preopens();
}

__attribute__((export_name("wizer.resume"))) void resume(void)
{
    exit(__main_void());
}
#endif
