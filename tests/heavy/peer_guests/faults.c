/* Does one thing wrong, and says what the host answers: faults PROBE ENCODING SHAPE MODEL...
 *
 * The model takes floats of SHAPE (as 1x3x2x2), 12 in all, and gives as many. With WAMR it is
 * built for WAMR's older ABI, else for the specification's. A probe is a process of its own, since
 * some hosts do not survive some of them.
 *
 * `get_output ROOM` declares ROOM, in the unit of the ABI, of a buffer of 4096 bytes that are all
 * 0xaa before, and says how many bytes from the buffer's start are not 0xaa any more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef WAMR
#include "wasi_nn_wamr.h"
#else
#include "wasi_nn.h"
#endif

enum { VALUES = 12, UNKNOWN = 999, BUFFER = 4096, FILLED = 0xaa };

#define OUTSIDE 0xfffff000u

static nn_builder builders[2];
static uint32_t builders_len;
static nn_encoding encoding;
static uint32_t shape[8];
static uint32_t shape_len;
static float values[VALUES];

static void say(const char *call, nn_errno error)
{
    printf("%s: %u\n", call, error);
    fflush(stdout);
}

static nn_builder read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *data = calloc((size_t)size + 1, 1); /* WAMR's OpenVINO wants a NUL after the XML */
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
        abort();
    fclose(file);
    return (nn_builder){data, (uint32_t)size};
}

static nn_errno load(const nn_builder *parts, uint32_t count, nn_encoding format, nn_target target,
                     nn_graph *graph)
{
#ifdef WAMR
    nn_builder_array array = {parts, count};
    return nn_load(&array, format, target, graph);
#else
    return nn_load(parts, count, format, target, graph);
#endif
}

static nn_errno feed(nn_context context, uint32_t index, uint32_t dimensions, nn_tensor_type type,
                     const void *data, uint32_t size)
{
#ifdef WAMR
    (void)size;
    nn_dimensions array = {shape, dimensions};
    nn_tensor tensor = {&array, type, data};
#else
    nn_tensor tensor = {shape, dimensions, type, data, size};
#endif
    return nn_set_input(context, index, &tensor);
}

static void get_output(nn_context context, uint32_t index, uint32_t room, int values_matter)
{
    static unsigned char buffer[BUFFER];
    memset(buffer, FILLED, sizeof buffer);
#ifdef WAMR
    uint32_t size = room;
    nn_errno error = nn_get_output(context, index, buffer, &size);
#else
    uint32_t size = UNKNOWN;
    nn_errno error = nn_get_output(context, index, buffer, room, &size);
#endif
    uint32_t changed = sizeof buffer;
    while (changed && buffer[changed - 1] == FILLED)
        changed--;
    float first[3];
    memcpy(first, buffer, sizeof first);
    printf("get_output: %u size %u changed %u", error, size, changed);
    if (values_matter && changed >= sizeof first)
        printf(" values %g %g %g", (double)first[0], (double)first[1], (double)first[2]);
    printf("\n");
    fflush(stdout);
}

static void probe_load(const char *probe, const char *number)
{
    nn_graph graph = UNKNOWN;
    nn_target target = NN_CPU;
    nn_builder garbage[2] = {{"this is no model", 16}, {"nor is this", 11}};
    if (!strcmp(probe, "encoding"))
        encoding = (nn_encoding)atoi(number);
    else if (!strcmp(probe, "target"))
        target = (nn_target)atoi(number);
    else if (!strcmp(probe, "builders"))
        builders_len = (uint32_t)atoi(number);
    else if (!strcmp(probe, "garbage"))
        memcpy(builders, garbage, sizeof builders);
    else if (!strcmp(probe, "model-outside"))
        builders[0].data = (void *)OUTSIDE;
    nn_graph *result = strcmp(probe, "graph-outside") ? &graph : (void *)OUTSIDE;
    say("load", load(builders, builders_len, encoding, target, result));
}

static nn_graph loaded(void)
{
    nn_graph graph = UNKNOWN;
    nn_errno error = load(builders, builders_len, encoding, NN_CPU, &graph);
    if (error != NN_SUCCESS) {
        say("load", error);
        exit(3);
    }
    return graph;
}

static void probe_input(nn_context context, const char *probe, const char *number)
{
    uint32_t index = 0, dimensions = shape_len, size = sizeof values;
    nn_tensor_type type = NN_F32;
    const void *data = values;
    if (!strcmp(probe, "input-index"))
        index = (uint32_t)atoi(number);
    else if (!strcmp(probe, "input-type"))
        type = (nn_tensor_type)atoi(number);
    else if (!strcmp(probe, "input-short"))
        size = 8;
    else if (!strcmp(probe, "input-rank"))
        dimensions = 1;
    else if (!strcmp(probe, "input-shape"))
        shape[shape_len - 1]++;
    else if (!strcmp(probe, "input-outside"))
        data = (void *)OUTSIDE;
    say("set_input", feed(context, index, dimensions, type, data, size));
}

static void probe_output(nn_context context, const char *probe, const char *number)
{
    if (!strcmp(probe, "compute-early")) {
        say("compute", nn_compute(context));
        return;
    }
    say("set_input", feed(context, 0, shape_len, NN_F32, values, sizeof values));
    int early = !strcmp(probe, "output-early");
    if (!early)
        say("compute", nn_compute(context));
    if (!strcmp(probe, "output-context"))
        context = UNKNOWN;
    int of_index = !strcmp(probe, "output-index");
    uint32_t index = of_index ? (uint32_t)atoi(number) : 0;
    uint32_t room = !strcmp(probe, "get_output") ? (uint32_t)atoi(number) : BUFFER / 4;
    get_output(context, index, room, !early);
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: faults PROBE[=NUMBER] ENCODING SHAPE MODEL...\n");
        return 2;
    }
    char *probe = argv[1], *number = strchr(probe, '=');
    number = number ? (*number = 0, number + 1) : "";
    encoding = (nn_encoding)atoi(argv[2]);
    for (char *next = argv[3]; *next; next += *next == 'x')
        shape[shape_len++] = (uint32_t)strtoul(next, &next, 10);
    for (int i = 4; i < argc && builders_len < 2; i++)
        builders[builders_len++] = read_file(argv[i]);
    for (int i = 0; i < VALUES; i++)
        values[i] = (float)(i + 1);

    nn_context context = UNKNOWN;
    if (!strcmp(probe, "init-graph")) {
        loaded();
        say("init_execution_context", nn_init_execution_context(UNKNOWN, &context));
    } else if (!strncmp(probe, "input-context", 13)) {
        loaded();
        say("set_input", feed(UNKNOWN, 0, shape_len, NN_F32, values, sizeof values));
    } else if (!strcmp(probe, "compute-context")) {
        loaded();
        say("compute", nn_compute(UNKNOWN));
    } else if (!strncmp(probe, "input", 5) || !strncmp(probe, "compute", 7) ||
               !strncmp(probe, "output", 6) || !strcmp(probe, "get_output")) {
        nn_errno error = nn_init_execution_context(loaded(), &context);
        if (error != NN_SUCCESS) {
            say("init_execution_context", error);
            return 3;
        }
        if (!strncmp(probe, "input", 5))
            probe_input(context, probe, number);
        else
            probe_output(context, probe, number);
    } else {
        probe_load(probe, number);
    }
    return 0;
}
