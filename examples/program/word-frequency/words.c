/*
 * How often does each word occur? A hash table with open addressing, filled many times over.
 *
 *   words <text> <rounds> <result.txt>
 *
 * A word is a run of ASCII letters, case ignored. The result holds the 20 most frequent words, the
 * alphabet deciding between equals: it does not depend on the compiler or on the table.
 *
 * Copyright the ckstore authors. SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 16384 /* a power of two */
#define SHOWN 20

struct word {
  const char *start; /* in the text; NULL: the slot is free */
  size_t length;
  unsigned count;
};

static struct word table[SLOTS];

static void fail(const char *what, const char *which) {
  fprintf(stderr, "words: %s: %s\n", which, what);
  exit(1);
}

/* The whole file, lower case. */
static char *read_text(const char *name, size_t *size) {
  FILE *file = fopen(name, "rb");
  if (file == NULL) fail("cannot be opened", name);
  size_t room = 1 << 16;
  char *text = malloc(room);
  *size = 0;
  while (text != NULL) {
    size_t got = fread(text + *size, 1, room - *size, file);
    *size += got;
    if (got == 0) break;
    if (*size == room) text = realloc(text, room *= 2);
  }
  if (text == NULL) fail("not enough memory", name);
  fclose(file);
  for (size_t i = 0; i < *size; i++) text[i] = (char)tolower((unsigned char)text[i]);
  return text;
}

/* FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/). */
static uint32_t hash(const char *start, size_t length) {
  uint32_t value = 2166136261u;
  for (size_t i = 0; i < length; i++) value = (value ^ (unsigned char)start[i]) * 16777619u;
  return value;
}

static void count_word(const char *start, size_t length, size_t *used) {
  uint32_t slot = hash(start, length) & (SLOTS - 1);
  while (table[slot].start != NULL &&
         (table[slot].length != length || memcmp(table[slot].start, start, length) != 0))
    slot = (slot + 1) & (SLOTS - 1);
  if (table[slot].start == NULL) {
    if (++*used > SLOTS / 2) fail("too many different words", "table");
    table[slot].start = start;
    table[slot].length = length;
  }
  table[slot].count++;
}

static int is_letter(char c) { return c >= 'a' && c <= 'z'; }

static void count_text(const char *text, size_t size) {
  size_t used = 0;
  memset(table, 0, sizeof table);
  for (size_t i = 0; i < size; i++) {
    size_t start = i;
    while (i < size && is_letter(text[i])) i++;
    if (i > start) count_word(text + start, i - start, &used);
  }
}

/* More frequent first, then by the alphabet; free slots last. */
static int compare(const void *a, const void *b) {
  const struct word *left = a, *right = b;
  if (left->count != right->count) return left->count > right->count ? -1 : 1;
  if (left->count == 0) return 0;
  size_t shorter = left->length < right->length ? left->length : right->length;
  int order = memcmp(left->start, right->start, shorter);
  return order != 0 ? order : (left->length > right->length) - (left->length < right->length);
}

int main(int argc, char **argv) {
  if (argc != 4 || atoi(argv[2]) < 1) {
    fprintf(stderr, "usage: words <text> <rounds> <result.txt>\n");
    return 2;
  }
  size_t size;
  char *text = read_text(argv[1], &size);
  for (int rounds = atoi(argv[2]); rounds > 0; rounds--) count_text(text, size);
  qsort(table, SLOTS, sizeof *table, compare);

  FILE *file = fopen(argv[3], "wb");
  if (file == NULL) fail("cannot be written", argv[3]);
  for (int i = 0; i < SHOWN && table[i].count > 0; i++)
    fprintf(file, "%u %.*s\n", table[i].count, (int)table[i].length, table[i].start);
  if (fclose(file) != 0) fail("cannot be written", argv[3]);
  if (table[0].count > 0)
    printf("most frequent: %.*s (%u)\n", (int)table[0].length, table[0].start, table[0].count);
  free(text);
  return 0;
}
