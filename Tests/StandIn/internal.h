// SPDX-License-Identifier: MIT

// What the parts of the stand-in share. Nothing here is exported: the dynamic library offers exactly
// the functions of votequorum.h and cmap.h.

#ifndef STANDIN_INTERNAL_H
#define STANDIN_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <corosync/cmap.h>
#include <corosync/corotypes.h>
#include <corosync/votequorum.h>

#include "standin_calls.h"

#pragma GCC visibility push(hidden)

// The real libraries read every notification into a buffer of this size on the caller's stack.
#define DISPATCH_SIZE (8192 * 128)

#define FOREVER UINT64_MAX

// MARK: the cluster

#define STATE_ABSENT UINT32_MAX

struct bytes {
    char *data;
    size_t length;
};

struct node {
    uint32_t id;
    uint32_t position;
    uint32_t state;
    uint32_t votes;
    uint32_t expected;
    uint32_t flags;
    bool expected_given;
    bool configured;
};

struct number_or_auto {
    bool given;
    uint32_t value;
};

struct cluster {
    struct node *nodes;
    size_t node_count;
    uint32_t local;
    uint32_t flags;
    struct number_or_auto quorate, total, highest, threshold, expected;
    votequorum_ring_id_t ring;
    bool qdevice_registered;
    struct bytes qdevice_name;
    uint32_t qdevice_votes;
    uint32_t qdevice_state;
};

extern struct cluster cluster;

struct node *cluster_find(uint32_t id);
struct node *cluster_add(uint32_t id);
uint32_t cluster_expected(void);
uint32_t cluster_quorate(void);
uint32_t cluster_threshold(void);
bool cluster_info(uint32_t id, struct votequorum_info *info);

// MARK: the configuration map

struct key {
    char *name;
    cmap_map_t map;
    uint32_t type;
    size_t length;
    void *value;
};

struct key *map_find(cmap_map_t map, const char *name);
struct key *map_after(cmap_map_t map, const char *name, const char *prefix);
void map_set(cmap_map_t map, const char *name, uint32_t type, const void *value, size_t length);
bool map_delete(cmap_map_t map, const char *name);
void map_set_string(const char *name, const char *value);
void map_set_u32(const char *name, uint32_t value);
void map_set_u8(const char *name, uint8_t value);
size_t map_type_size(uint32_t type);

// MARK: connections

enum service { SERVICE_VOTEQUORUM, SERVICE_CMAP, SERVICE_COUNT };

enum event_kind { EVENT_NODELIST, EVENT_QUORUM, EVENT_EXPECTED, EVENT_KEY };

// One notification, as it lies in a queue or in the dispatch buffer.
struct event {
    struct event *next;
    size_t size;
    enum event_kind kind;
    uint64_t context;
    uint32_t value;
    uint32_t entries;
    votequorum_ring_id_t ring;
    cmap_track_handle_t tracker;
    int32_t change;
    uint32_t new_type, old_type;
    size_t new_length, old_length;
    char key[CMAP_KEYNAME_MAXLEN + 1];
    _Alignas(8) unsigned char data[];
};

struct iterator {
    struct iterator *next;
    cmap_iter_handle_t handle;
    char *prefix;
    char *last;
};

struct tracker {
    struct tracker *next;
    cmap_track_handle_t handle;
    char *key;
    int32_t type;
    cmap_notify_fn_t notify;
    void *user_data;
};

struct connection {
    struct connection *next;
    enum service service;
    uint64_t handle;
    unsigned references;
    bool finalized;
    int client, server;
    unsigned tokens;
    struct event *first, *last;
    size_t queued;
    void *context;
    // votequorum
    votequorum_callbacks_t callbacks;
    bool tracking;
    uint64_t tracking_context;
    // cmap
    cmap_map_t map;
    struct iterator *iterators;
    struct tracker *trackers;
};

extern struct connection *connections;

// Takes the lock, reads the script on the first call, counts the call and lets the script's rules interfere.
// CS_OK: the lock is held, *connection (if asked for) is referenced, and `leave` must follow.
struct call {
    enum call_index index;
    enum service service;
    uint64_t handle;
    // A call that the real library answers without asking the daemon works without one.
    bool local;
    const uint32_t *node;
    const char *key;
};
cs_error_t enter(const struct call *call, struct connection **connection);
cs_error_t leave(struct connection *connection, cs_error_t result);

cs_error_t connection_open(enum call_index index, enum service service, uint64_t *handle);
cs_error_t connection_close(enum call_index index, enum service service, uint64_t handle);
cs_error_t connection_dispatch(enum call_index index, enum service service, uint64_t handle,
                               cs_dispatch_flags_t mode,
                               void (*deliver)(struct connection *connection, struct event *event));
void connection_push(struct connection *connection, const struct event *event);
void connection_hang_up(struct connection *connection);
void connections_refill(void);

void lock(void);
void unlock(void);
void wake_daemon(void);
// Waits on the daemon's condition; with the lock held. At most `milliseconds`.
void wait_for_daemon(uint64_t milliseconds);
uint64_t now_milliseconds(void);

void event_snapshot(struct connection *connection, uint64_t context);
void event_broadcast(const struct event *event, const struct connection *except);
size_t event_quorum(struct event *event);
size_t event_nodelist(struct event *event);
size_t event_expected(struct event *event);

// MARK: the script

struct fault {
    struct fault *next;
    bool calls[CALL_COUNT];
    enum { FAULT_FAIL, FAULT_DELAY, FAULT_HANG, FAULT_HANG_DEAF } kind;
    uint64_t first, times, seen;
    uint32_t error;
    uint64_t milliseconds;
    int64_t node;
    char *key;
};

extern struct fault *faults;

struct refusal {
    uint64_t times;
    uint32_t error;
};

extern struct refusal refusals[SERVICE_COUNT];
extern bool frozen;

void script_load(void);
// With the lock held: starts the clock of the timeline.
void timeline_start(void);
// With the lock held: does what is due and needs no reader. Returns the milliseconds until the next step is due
// (FOREVER: none).
uint64_t timeline_advance(void);
// How many notifications a tracking connection could take now.
uint64_t timeline_pending(void);
// Makes the next one in `event` (a buffer of DISPATCH_SIZE) and queues it for every other tracking connection.
bool timeline_take(struct event *event, struct connection *taker);

_Noreturn void script_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

// MARK: the report

enum gauge {
    GAUGE_CALLBACKS,
    GAUGE_CALLBACKS_NODELIST,
    GAUGE_CALLBACKS_QUORUM,
    GAUGE_CALLBACKS_EXPECTED,
    GAUGE_CALLBACKS_KEY,
    GAUGE_OPEN_VOTEQUORUM,
    GAUGE_OPEN_CMAP,
    GAUGE_OPEN_ITERATORS,
    GAUGE_OPEN_TRACKERS,
    GAUGE_STEPS,
    GAUGE_COUNT,
};

void report_open(void);
void report_call(enum call_index index);
void report_add(enum gauge gauge, int64_t change);

#pragma GCC visibility pop

#endif
