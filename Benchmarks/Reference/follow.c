// SPDX-License-Identifier: MIT

// The least that following can cost: one connection, and for every notification one JSON line in vqwatch's shape and one
// write. For a quorum notification it asks for this node and for every node in the list, as vqwatch does. What needs memory
// of the line before (`joined`, `left`, most `changes`), names, addresses and the quorum device are left empty.
//
//     cc -O2 -Wall -Wextra -o follow follow.c -lvotequorum -lcorosync_common
//
// With a number as argument it ends after that many lines.

#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <corosync/corotypes.h>
#include <corosync/votequorum.h>

// 384 nodes of up to 170 bytes fit four times over.
static char line[1 << 18];
static size_t length;
static uint64_t left = UINT64_MAX;
static votequorum_ring_id_t ring;
static int quorate_before = -1;
static unsigned local;
// When the callback was called.
static struct timespec now;

static void check(cs_error_t error, const char *operation) {
    if (error != CS_OK) {
        fprintf(stderr, "follow: %s: %s\n", operation, cs_strerror(error));
        exit(1);
    }
}

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    length += (size_t)vsnprintf(line + length, sizeof line - length, format, arguments);
    va_end(arguments);
    if (length >= sizeof line) {
        fprintf(stderr, "follow: a line is too long\n");
        exit(1);
    }
}

static void begin(const char *event, int quorate) {
    struct tm parts;
    gmtime_r(&now.tv_sec, &parts);
    length = 0;
    length += strftime(line, sizeof line, "{\"time\":\"%Y-%m-%dT%H:%M:%S", &parts);
    add(".%06ldZ\",\"event\":\"%s\",\"cluster_name\":null,\"local_node_id\":%u,\"quorate\":%s", now.tv_nsec / 1000, event,
        local, quorate < 0 ? "null" : quorate > 0 ? "true" : "false");
}

static void end(void) {
    add("}\n");
    for (size_t written = 0; written < length;) {
        ssize_t count = write(STDOUT_FILENO, line + written, length - written);
        if (count < 0 && errno != EINTR) {
            exit(1);
        }
        written += count > 0 ? (size_t)count : 0;
    }
    if (--left == 0) {
        exit(0);
    }
}

static void on_nodelist(votequorum_handle_t handle, uint64_t context, votequorum_ring_id_t ring_id, uint32_t entries,
                        uint32_t list[]) {
    (void)handle;
    (void)context;
    clock_gettime(CLOCK_REALTIME, &now);
    ring = ring_id;
    begin("nodelist", quorate_before);
    add(",\"ring_id\":\"" CS_PRI_RING_ID "\",\"members\":[", ring.nodeid, ring.seq);
    for (uint32_t index = 0; index < entries; index++) {
        add("%s{\"id\":%" PRIu32 ",\"name\":null}", index == 0 ? "" : ",", list[index]);
    }
    add("],\"joined\":[],\"left\":[]");
    end();
}

static void add_flags(unsigned flags) {
    static const char *const names[] = {"2Node",          "Quorate",        "WaitForAll", "LastManStanding",
                                        "AutoTieBreaker", "AllowDownscale", "Qdevice"};
    const char *comma = "";
    add(",\"flags\":[");
    for (unsigned bit = 0; bit < sizeof names / sizeof *names; bit++) {
        if ((flags & 1u << bit) != 0) {
            add("%s\"%s\"", comma, names[bit]);
            comma = ",";
        }
    }
    add("]");
}

static void add_node(votequorum_handle_t handle, const votequorum_node_t *node, bool first) {
    static const char *const states[] = {"absent", "member", "dead", "leaving"};
    struct votequorum_info info;
    bool known = votequorum_getinfo(handle, node->nodeid, &info) == CS_OK;
    add("%s{\"id\":%" PRIu32 ",\"name\":null,\"state\":\"", first ? "" : ",", node->nodeid);
    if (node->state < sizeof states / sizeof *states) {
        add("%s", states[node->state]);
    } else {
        add("state_%" PRIu32, node->state);
    }
    if (known) {
        add("\",\"votes\":%u,\"expected_votes\":%u", info.node_votes, info.node_expected_votes);
    } else {
        add("\",\"votes\":null,\"expected_votes\":null");
    }
    add(",\"local\":%s,\"addresses\":[]}", node->nodeid == local ? "true" : "false");
}

static void on_quorum(votequorum_handle_t handle, uint64_t context, uint32_t quorate, uint32_t entries,
                      votequorum_node_t list[]) {
    (void)context;
    clock_gettime(CLOCK_REALTIME, &now);
    struct votequorum_info info;
    check(votequorum_getinfo(handle, VOTEQUORUM_QDEVICE_NODEID, &info), "votequorum_getinfo");
    local = info.node_id;
    begin("quorum", quorate != 0);
    add(",\"ring_id\":\"" CS_PRI_RING_ID "\"", ring.nodeid, ring.seq);
    add(",\"votes\":{\"total\":%u,\"expected\":%u,\"highest_expected\":%u,\"quorum\":%u,\"margin\":%lld}", info.total_votes,
        info.node_expected_votes, info.highest_expected, info.quorum, (long long)info.total_votes - info.quorum);
    add_flags(info.flags);
    add(",\"qdevice\":null,\"nodes\":[");
    bool first = true;
    for (uint32_t index = 0; index < entries; index++) {
        if (list[index].nodeid != VOTEQUORUM_QDEVICE_NODEID) {
            add_node(handle, &list[index], first);
            first = false;
        }
    }
    add("],\"changes\":[");
    if (quorate_before >= 0 && quorate_before != (quorate != 0)) {
        add("{\"field\":\"quorate\",\"from\":%s,\"to\":%s}", quorate_before ? "true" : "false", quorate ? "true" : "false");
    }
    add("]");
    quorate_before = quorate != 0;
    end();
}

int main(int count, char **words) {
    if (count > 1) {
        left = strtoull(words[1], NULL, 10);
    }
    votequorum_handle_t handle;
    votequorum_callbacks_t callbacks = {.votequorum_quorum_notify_fn = on_quorum,
                                        .votequorum_nodelist_notify_fn = on_nodelist};
    struct votequorum_info info;
    check(votequorum_initialize(&handle, &callbacks), "votequorum_initialize");
    check(votequorum_getinfo(handle, VOTEQUORUM_QDEVICE_NODEID, &info), "votequorum_getinfo");
    local = info.node_id;
    check(votequorum_trackstart(handle, 0, CS_TRACK_CHANGES), "votequorum_trackstart");
    check(votequorum_dispatch(handle, CS_DISPATCH_BLOCKING), "votequorum_dispatch");
    return 0;
}
