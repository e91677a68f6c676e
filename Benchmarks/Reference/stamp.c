// SPDX-License-Identifier: MIT

// Reads JSON lines from a pipe and prints, a number a line, how many microseconds old each was when it came: from the
// time in it, when the notification was taken off corosync, to the read(2) that gave it.
//
//     cc -O2 -Wall -Wextra -o stamp stamp.c

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long microseconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

int main(void) {
    static char text[1 << 20];
    size_t length = 0;
    ssize_t count;
    while ((count = read(STDIN_FILENO, text + length, sizeof text - 1 - length)) > 0) {
        long long now = microseconds_now();
        char *line = text, *end;
        length += (size_t)count;
        while ((end = memchr(line, '\n', length - (size_t)(line - text))) != NULL) {
            struct tm parts = {0};
            long fraction = 0;
            *end = '\0';
            char *time = strstr(line, "\"time\":\"");
            char *rest = time == NULL ? NULL : strptime(time + strlen("\"time\":\""), "%Y-%m-%dT%H:%M:%S", &parts);
            if (rest != NULL && sscanf(rest, ".%6ldZ", &fraction) == 1) {
                printf("%lld\n", now - (timegm(&parts) * 1000000LL + fraction));
            }
            line = end + 1;
        }
        length -= (size_t)(line - text);
        memmove(text, line, length);
    }
    return 0;
}
