/*
 * Heat spreads over an image: a grey value is a temperature, and in every step each cell moves
 * towards the mean of its four neighbours. The border is insulated.
 *
 *   heat <image.pgm> <steps> <result.pgm>
 *
 * The image is enlarged ZOOM times before, so that a small file keeps a processor busy. All numbers
 * are whole (16 fraction bits): the result is the same for every compiler and every flag.
 *
 * With XOPENME defined, the steps alone are timed (timer 0), without reading and writing.
 *
 * Copyright the ckstore authors. SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef XOPENME
#include <xopenme.h>
#endif

#define ZOOM 4
#define MAX_SIDE 4096

struct grid {
  int width;
  int height;
  int32_t *cells;
};

static void fail(const char *what, const char *which) {
  fprintf(stderr, "heat: %s: %s\n", which, what);
  exit(1);
}

/* The next number of a PGM header (or of a plain PGM's body); comments run from '#' to the line's end. */
static int read_number(FILE *file, const char *name) {
  int c = fgetc(file), value = 0;
  while (isspace(c) || c == '#') {
    if (c == '#')
      while (c != '\n' && c != EOF) c = fgetc(file);
    else
      c = fgetc(file);
  }
  if (!isdigit(c)) fail("a number was expected", name);
  for (; isdigit(c); c = fgetc(file)) {
    value = value * 10 + (c - '0');
    if (value > 65535) fail("a number is too large", name);
  }
  return value; /* the one blank after the number is consumed as well, as the format wants */
}

static struct grid new_grid(int width, int height) {
  struct grid grid = {width, height, NULL};
  grid.cells = calloc((size_t)width * (size_t)height, sizeof *grid.cells);
  if (grid.cells == NULL) fail("not enough memory", "grid");
  return grid;
}

static struct grid read_image(const char *name) {
  FILE *file = fopen(name, "rb");
  if (file == NULL) fail("cannot be opened", name);
  int magic = fgetc(file), plain = fgetc(file);
  if (magic != 'P' || (plain != '2' && plain != '5')) fail("is not a PGM image (P2 or P5)", name);
  int width = read_number(file, name), height = read_number(file, name);
  int white = read_number(file, name);
  if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) fail("has no usable size", name);
  if (white < 1 || white > 255) fail("must have one byte per cell", name);

  struct grid grid = new_grid(width * ZOOM, height * ZOOM);
  for (int y = 0; y < height; y++) {
    for (int x = 0; x < width; x++) {
      int value = plain == '2' ? read_number(file, name) : fgetc(file);
      if (value == EOF || value > white) fail("ends too early or is damaged", name);
      for (int dy = 0; dy < ZOOM; dy++)
        for (int dx = 0; dx < ZOOM; dx++)
          grid.cells[(size_t)(y * ZOOM + dy) * (size_t)grid.width + (size_t)(x * ZOOM + dx)] =
              (int32_t)((value * 255 / white) << 16);
    }
  }
  fclose(file);
  return grid;
}

static void write_image(const char *name, const struct grid *grid) {
  FILE *file = fopen(name, "wb");
  if (file == NULL) fail("cannot be written", name);
  fprintf(file, "P5\n%d %d\n255\n", grid->width, grid->height);
  for (size_t i = 0; i < (size_t)grid->width * (size_t)grid->height; i++) fputc(grid->cells[i] >> 16, file);
  if (fclose(file) != 0) fail("cannot be written", name);
}

/* One row of one step; the rows above and below are the row itself at the border. */
static void step_row(int width, const int32_t *above, const int32_t *row, const int32_t *below, int32_t *out) {
  for (int x = 0; x < width; x++) {
    int32_t left = row[x > 0 ? x - 1 : x], right = row[x < width - 1 ? x + 1 : x];
    out[x] = (4 * row[x] + above[x] + below[x] + left + right) / 8;
  }
}

static void step(const struct grid *from, struct grid *to) {
  size_t width = (size_t)from->width;
  for (int y = 0; y < from->height; y++) {
    const int32_t *row = from->cells + (size_t)y * width;
    const int32_t *above = y > 0 ? row - width : row;
    const int32_t *below = y < from->height - 1 ? row + width : row;
    step_row(from->width, above, row, below, to->cells + (size_t)y * width);
  }
}

int main(int argc, char **argv) {
  if (argc != 4 || atoi(argv[2]) < 1) {
    fprintf(stderr, "usage: heat <image.pgm> <steps> <result.pgm>\n");
    return 2;
  }
  int steps = atoi(argv[2]);
  struct grid now = read_image(argv[1]), next = new_grid(now.width, now.height);

#ifdef XOPENME
  xopenme_init(1, 2);
  xopenme_clock_start(0);
#endif
  for (int i = 0; i < steps; i++) {
    step(&now, &next);
    struct grid before = now;
    now = next;
    next = before;
  }
#ifdef XOPENME
  xopenme_clock_end(0);
  xopenme_add_var_i(0, "\"cells\":%d", now.width * now.height);
  xopenme_add_var_i(1, "\"steps\":%d", steps);
  xopenme_dump_state();
  xopenme_finish();
#endif

  write_image(argv[3], &now);
  printf("%d x %d cells, %d steps\n", now.width, now.height, steps);
  free(now.cells);
  free(next.cells);
  return 0;
}
