// SPDX-License-Identifier: MIT

// A file of counters that is true while the program runs. Every line has 64 bytes: the name, then sixteen digits in
// two aligned halves that are stored whole, so that a reader never sees half of a number below 10^8.

#define _GNU_SOURCE
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

#define LINE 64
#define DIGITS 40

#define CALL_NAME(name) "call." #name,
const char *const counter_names[GAUGE_COUNT + CALL_COUNT] = {
    "callbacks",      "callbacks.nodelist", "open.votequorum",       "open.cmap",
    "open.iterators", "open.trackers",      STANDIN_CALLS(CALL_NAME)};

static uint64_t counters[GAUGE_COUNT + CALL_COUNT];
static char *lines;

static void show(size_t index) {
    if (lines == NULL) {
        return;
    }
    uint64_t rest = counters[index];
    union {
        char text[16];
        uint64_t halves[2];
    } number;
    for (int digit = 15; digit >= 0; digit--) {
        number.text[digit] = (char)('0' + rest % 10);
        rest /= 10;
    }
    uint64_t *target = (uint64_t *)(void *)(lines + index * LINE + DIGITS);
    __atomic_store_n(target, number.halves[0], __ATOMIC_RELAXED);
    __atomic_store_n(target + 1, number.halves[1], __ATOMIC_RELAXED);
}

void report_open(void) {
    const char *path = getenv("VQ_STANDIN_REPORT");
    if (path == NULL || path[0] == '\0') {
        return;
    }
    const size_t size = LINE * (GAUGE_COUNT + CALL_COUNT);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int error = ftruncate(file, (off_t)size);
    assert(error == 0);
    void *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert(mapping != MAP_FAILED);
    close(file);
    lines = mapping;
    memset(lines, ' ', size);
    for (size_t index = 0; index < GAUGE_COUNT + CALL_COUNT; index++) {
        memcpy(lines + index * LINE, counter_names[index], strlen(counter_names[index]));
        lines[index * LINE + LINE - 1] = '\n';
        show(index);
    }
}

void report_call(enum call_index index) {
    counters[GAUGE_COUNT + index]++;
    show(GAUGE_COUNT + (size_t)index);
}

void report_add(enum gauge gauge, int64_t change) {
    counters[gauge] += (uint64_t)change;
    show(gauge);
}
