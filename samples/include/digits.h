/* What the guests that read digits have in common: reading files, and images in PGM (P2 or P5). */
#ifndef DIGITS_H
#define DIGITS_H

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 8, DIGITS = 10, MAX_SIDE = 4096 };

static _Noreturn void fail(const char *what, const char *which)
{
    fprintf(stderr, "digits: %s: %s\n", which, what);
    exit(1);
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

#endif
