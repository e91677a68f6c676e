// SPDX-License-Identifier: MIT
//
// A quorum device under a test's control. It registers itself under the name given and answers that like a command.
// Then it obeys one command a line on standard input:
//
//     vote, novote        poll with that vote, now and every --interval milliseconds (default 200) from now on
//     silent              stop polling: the device is dead when its timeout has passed
//     poll                poll again, with the vote as it was
//     register, unregister
//     master-wins 0|1
//     exit
//
// with one answer a line on standard output: ok, or the name of the error.

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <corosync/corotypes.h>
#include <corosync/votequorum.h>

static votequorum_ring_id_t ring;
static votequorum_handle_t handle;
static const char *name;
static bool polling, cast = true;

static void ring_changed(votequorum_handle_t handle, uint64_t context, votequorum_ring_id_t new_ring,
                         uint32_t count, uint32_t nodes[])
{
    (void)handle, (void)context, (void)count, (void)nodes;
    ring = new_ring;
}

// While the cluster synchronises, requests are refused for a moment.
#define PERSIST(call)                                                                         \
    ({                                                                                        \
        cs_error_t error_;                                                                    \
        for (int tries_ = 0; (error_ = (call)) == CS_ERR_TRY_AGAIN && tries_ < 500; tries_++) \
            nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);                 \
        error_;                                                                               \
    })

// votequorum takes a poll only for the ring it is in: after a change the new ring's ID may still be on its way.
static cs_error_t poll_now(void)
{
    cs_error_t error = CS_OK;
    for (int tries = 0; tries < 100; tries++) {
        if ((error = votequorum_dispatch(handle, CS_DISPATCH_ALL)) != CS_OK)
            return error;
        error = PERSIST(votequorum_qdevice_poll(handle, name, cast, ring));
        if (error != CS_ERR_MESSAGE_ERROR)
            return error;
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    return error;
}

static cs_error_t obey(const char *command)
{
    if (strcmp(command, "vote") == 0 || strcmp(command, "novote") == 0) {
        cast = *command == 'v';
        command = "poll";
    }
    if (strcmp(command, "poll") == 0) {
        cs_error_t error = poll_now();
        polling = error == CS_OK;
        return error;
    }
    if (strcmp(command, "silent") == 0) {
        polling = false;
        return CS_OK;
    }
    if (strcmp(command, "register") == 0)
        return PERSIST(votequorum_qdevice_register(handle, name));
    if (strcmp(command, "unregister") == 0) {
        polling = false;
        return PERSIST(votequorum_qdevice_unregister(handle, name));
    }
    if (strcmp(command, "master-wins 0") == 0 || strcmp(command, "master-wins 1") == 0)
        return PERSIST(votequorum_qdevice_master_wins(handle, name, command[12] == '1'));
    return CS_ERR_INVALID_PARAM;
}

static void answer(cs_error_t error)
{
    puts(error == CS_OK ? "ok" : cs_strerror(error));
}

static int failed(const char *what, cs_error_t error)
{
    fprintf(stderr, "quorum-device: %s: %s\n", what, cs_strerror(error));
    return 1;
}

int main(int count, char *arguments[])
{
    int interval = 200, first = 1;
    if (count == 4 && strcmp(arguments[1], "--interval") == 0) {
        interval = atoi(arguments[2]);
        first = 3;
    }
    if (count != first + 1 || interval <= 0) {
        fputs("usage: quorum-device [--interval MILLISECONDS] NAME\n", stderr);
        return 64;
    }
    name = arguments[first];
    setvbuf(stdout, NULL, _IOLBF, 0);

    votequorum_callbacks_t callbacks = {.votequorum_nodelist_notify_fn = ring_changed};
    cs_error_t error = PERSIST(votequorum_initialize(&handle, &callbacks));
    if (error != CS_OK)
        return failed("votequorum_initialize", error);
    int corosync;
    if ((error = votequorum_fd_get(handle, &corosync)) != CS_OK)
        return failed("votequorum_fd_get", error);
    if ((error = PERSIST(votequorum_trackstart(handle, 0, CS_TRACK_CHANGES))) != CS_OK)
        return failed("votequorum_trackstart", error);
    if ((error = votequorum_dispatch(handle, CS_DISPATCH_ALL)) != CS_OK)
        return failed("votequorum_dispatch", error);

    answer(PERSIST(votequorum_qdevice_register(handle, name)));

    // Read without stdio, whose buffer poll(2) knows nothing of.
    char line[256];
    size_t length = 0;
    struct pollfd sources[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = corosync, .events = POLLIN}};
    for (;;) {
        int ready = poll(sources, 2, polling ? interval : -1);
        if (ready < 0 && errno != EINTR)
            return 1;
        if (ready > 0 && sources[1].revents != 0) {
            if ((error = votequorum_dispatch(handle, CS_DISPATCH_ALL)) != CS_OK)
                return failed("votequorum_dispatch", error);
        }
        if (ready > 0 && sources[0].revents != 0) {
            ssize_t more = read(STDIN_FILENO, line + length, sizeof line - length);
            if (more <= 0)
                return 0;
            length += (size_t)more;
            for (char *end; (end = memchr(line, '\n', length)) != NULL;) {
                *end = '\0';
                if (strcmp(line, "exit") == 0) {
                    votequorum_finalize(handle);
                    answer(CS_OK);
                    return 0;
                }
                answer(obey(line));
                length -= (size_t)(end + 1 - line);
                memmove(line, end + 1, length);
            }
            if (length == sizeof line)
                return failed("standard input", CS_ERR_TOO_BIG);
        } else if (polling && (error = poll_now()) != CS_OK && error != CS_ERR_MESSAGE_ERROR) {
            return failed("votequorum_qdevice_poll", error);
        }
    }
}
