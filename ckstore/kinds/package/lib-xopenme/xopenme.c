/*
 * xopenme: timers and run-time variables of a program, written as JSON when it ends.
 *
 * Copyright the ckstore authors. SPDX-License-Identifier: Apache-2.0
 */
#if !defined(_WIN32) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L /* clock_gettime, also under -std=c99 */
#endif

#include "xopenme.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <time.h>
#endif

#define BILLION 1000000000LL

typedef long long nanoseconds;

static struct {
  int timers;
  int variables;
  nanoseconds *started;
  nanoseconds *elapsed;
  char **texts;
} state;

static void give_up(const char *what, const char *name) {
  fprintf(stderr, "xopenme: %s%s\n", what, name);
  exit(1);
}

/* A clock that is never set back: an interval must not depend on the time of day. */
static nanoseconds now(void) {
#ifdef _WIN32
  LARGE_INTEGER count, frequency;
  QueryPerformanceCounter(&count);
  QueryPerformanceFrequency(&frequency);
  return (nanoseconds)((double)count.QuadPart / (double)frequency.QuadPart * 1e9);
#else
  struct timespec moment;
  clock_gettime(CLOCK_MONOTONIC, &moment);
  return (nanoseconds)moment.tv_sec * BILLION + moment.tv_nsec;
#endif
}

static void *zeroed(int count, size_t size) {
  void *memory = calloc(count > 0 ? (size_t)count : 1, size);
  if (memory == NULL) give_up("out of memory", "");
  return memory;
}

void xopenme_init(int timers, int variables) {
  xopenme_finish();
  state.started = (nanoseconds *)zeroed(timers, sizeof(nanoseconds));
  state.elapsed = (nanoseconds *)zeroed(timers, sizeof(nanoseconds));
  state.texts = (char **)zeroed(variables, sizeof(char *));
  state.timers = timers > 0 ? timers : 0;
  state.variables = variables > 0 ? variables : 0;
}

void xopenme_clock_start(int timer) {
  if (timer >= 0 && timer < state.timers) state.started[timer] = now();
}

void xopenme_clock_end(int timer) {
  nanoseconds end = now(); /* before anything else: the rest must not be measured */
  if (timer >= 0 && timer < state.timers) state.elapsed[timer] = end - state.started[timer];
}

double xopenme_get_timer(int timer) {
  return timer >= 0 && timer < state.timers ? (double)state.elapsed[timer] / 1e9 : 0.0;
}

static void keep(int variable, const char *format, ...) {
  va_list values, again;
  int length;
  char *text;

  if (variable < 0 || variable >= state.variables) return;
  va_start(values, format);
  va_copy(again, values);
  length = vsnprintf(NULL, 0, format, values);
  va_end(values);
  text = (char *)zeroed(length + 1, 1);
  vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  free(state.texts[variable]);
  state.texts[variable] = text;
}

void xopenme_add_var_i(int variable, const char *format, int value) { keep(variable, format, value); }

void xopenme_add_var_f(int variable, const char *format, float value) {
  keep(variable, format, (double)value);
}

void xopenme_add_var_d(int variable, const char *format, double value) { keep(variable, format, value); }

void xopenme_add_var_s(int variable, const char *format, const void *value) {
  keep(variable, format, value);
}

void xopenme_dump_memory(const char *name, const void *memory, long size) {
  FILE *file = fopen(name, "wb");
  if (file == NULL) give_up("cannot write ", name);
  if (size > 0 && fwrite(memory, 1, (size_t)size, file) != (size_t)size) give_up("cannot write ", name);
  if (fclose(file) != 0) give_up("cannot write ", name);
}

/* Whole numbers only: printf writes fractions with the decimal sign of the program's locale. */
static void print_seconds(FILE *file, nanoseconds time) {
  if (time < 0) time = 0;
  fprintf(file, "%lld.%09lld", time / BILLION, time % BILLION);
}

static void print_variables(FILE *file) {
  int i, first = 1;
  fprintf(file, ",\n \"run_time_state\":{");
  for (i = 0; i < state.variables; i++) {
    if (state.texts[i] == NULL) continue;
    fprintf(file, "%s\n%s", first ? "" : ",", state.texts[i]);
    first = 0;
  }
  fprintf(file, "\n }");
}

void xopenme_dump_state(void) {
  const char *chosen = getenv("XOPENME_TIME_FILE");
  const char *name = chosen != NULL && chosen[0] != '\0' ? chosen : "tmp-ck-timer.json";
  FILE *file = fopen(name, "w");
  int i;

  if (file == NULL) give_up("cannot write ", name);
  fprintf(file, "{\n \"execution_time\":");
  print_seconds(file, state.timers > 0 ? state.elapsed[0] : 0);
  for (i = 0; i < state.timers; i++) {
    fprintf(file, ",\n \"execution_time_kernel_%d\":", i);
    print_seconds(file, state.elapsed[i]);
  }
  if (state.variables > 0) print_variables(file);
  fprintf(file, "\n}\n");
  if (fclose(file) != 0) give_up("cannot write ", name);
}

void xopenme_finish(void) {
  int i;
  for (i = 0; i < state.variables; i++) free(state.texts[i]);
  free(state.texts);
  free(state.started);
  free(state.elapsed);
  state.texts = NULL;
  state.started = state.elapsed = NULL;
  state.timers = state.variables = 0;
}
