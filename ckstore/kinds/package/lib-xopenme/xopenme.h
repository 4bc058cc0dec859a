/*
 * xopenme: timers and run-time variables of a program, written as JSON when it ends.
 *
 * The interface is the one that programs of the Collective Knowledge framework use; the code is ckstore's own.
 *
 * Copyright the ckstore authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef XOPENME_H
#define XOPENME_H

#ifdef __cplusplus
extern "C" {
#endif

/* Make room for this many timers and variables; they are numbered from 0. Call it first. */
void xopenme_init(int timers, int variables);

/* Measure one interval. The end assigns: of several intervals of a timer, the last one counts. */
void xopenme_clock_start(int timer);
void xopenme_clock_end(int timer);

/* The last interval of a timer in seconds; 0 before its first end. */
double xopenme_get_timer(int timer);

/* Keep a variable. `format` is a member of a JSON object for printf: "\"size\":%u". */
void xopenme_add_var_i(int variable, const char *format, int value);
void xopenme_add_var_f(int variable, const char *format, float value);
void xopenme_add_var_d(int variable, const char *format, double value);
void xopenme_add_var_s(int variable, const char *format, const void *value);

/* Write `size` bytes of memory into the file `name`. */
void xopenme_dump_memory(const char *name, const void *memory, long size);

/* Write tmp-ck-timer.json, or the file that the variable XOPENME_TIME_FILE names:
 * execution_time (timer 0), execution_time_kernel_N (every timer), and run_time_state
 * (the variables, when there are any). */
void xopenme_dump_state(void);

/* Give everything back. */
void xopenme_finish(void);

#ifdef __cplusplus
}
#endif

#endif
