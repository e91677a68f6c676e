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

#include "calls.h"

#pragma GCC visibility push(hidden)

// The real libraries read every notification into a buffer of this size on the caller's stack.
#define DISPATCH_SIZE (8192 * 128)

// -1 and -2 in a record: without end, not given, or computed; and what it was.
#define FOREVER UINT64_MAX
#define NONE UINT64_MAX
#define SAME (UINT64_MAX - 1)

// MARK: the cluster

#define LOCAL_NODE 1
#define STATE_ABSENT UINT32_MAX

#define QDEVICE_BITS                                                                                                   \
    (VOTEQUORUM_INFO_QDEVICE_REGISTERED | VOTEQUORUM_INFO_QDEVICE_ALIVE | VOTEQUORUM_INFO_QDEVICE_CAST_VOTE |          \
     VOTEQUORUM_INFO_QDEVICE_MASTER_WINS)

struct node {
    uint32_t id;
    uint64_t state, votes, expected, flags;
};

// What is NONE is computed as votequorum does.
struct cluster {
    struct node *nodes;
    size_t node_count;
    uint64_t flags;
    uint64_t quorate, total, highest, threshold, expected;
    votequorum_ring_id_t ring;
    bool qdevice_registered;
    char qdevice_name[VOTEQUORUM_QDEVICE_MAX_NAME_LEN];
    uint32_t qdevice_votes;
};

extern struct cluster cluster;

struct node *cluster_find(uint32_t id);
struct node *cluster_add(uint32_t id);
void cluster_mark_local(uint32_t bits, bool on);
void cluster_expect(uint32_t votes);
uint32_t cluster_expected(void);
uint32_t cluster_quorate(void);
bool cluster_info(uint32_t id, struct votequorum_info *info);

// MARK: the configuration map and the statistics map

struct key {
    char *name;
    cmap_map_t map;
    uint32_t type;
    size_t length;
    void *value;
};

struct tracker;

struct key *map_find(cmap_map_t map, const char *name);
struct key *map_after(cmap_map_t map, const char *name, const char *prefix);
void map_set(cmap_map_t map, const char *name, uint32_t type, const void *value, size_t length);
bool map_delete(cmap_map_t map, const char *name);
void map_set_string(const char *name, const char *value);
void map_set_number(const char *name, uint32_t type, uint64_t value);
// The map that has a key of this name.
cmap_map_t map_of(const char *name);
// The size of a value; 0 for text, bytes and types that do not exist.
size_t map_size_of(uint32_t type);

extern uint64_t statistics_interval;
// Remembers the value of a key of the statistics map, with which its next one is compared.
void statistics_remember(struct tracker *tracker);
// Notifies trackers of single statistics that have changed, if it is time. Returns the milliseconds until the next time
// (FOREVER: nothing to compare).
uint64_t statistics_compare(void);

// MARK: connections

enum service { SERVICE_VOTEQUORUM, SERVICE_CMAP };

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
    // Of a single statistic: its value when it was compared last.
    uint64_t compared;
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

// Takes the lock, reads the script on the first call, counts the call and lets the script's faults interfere.
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

// `initial`: the service, and what else of the connection is not zero.
cs_error_t connection_open(enum call_index index, const struct connection *initial, uint64_t *handle);
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
void event_quorum(struct event *event);
void event_nodelist(struct event *event);
void event_expected(struct event *event);

// MARK: the script

struct fault {
    struct fault *next;
    enum call_index call;
    enum { FAULT_FAIL = 'f', FAULT_DELAY = 'd', FAULT_HANG = 'h' } kind;
    uint64_t first, times, seen;
    // The error or the milliseconds.
    uint64_t value;
    // For this node only, for this key only; NONE and NULL: for every.
    uint64_t node;
    const char *key;
};

extern struct fault *faults;

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

// MARK: the report

enum gauge {
    GAUGE_CALLBACKS,
    GAUGE_CALLBACKS_NODELIST,
    GAUGE_OPEN_VOTEQUORUM,
    GAUGE_OPEN_CMAP,
    GAUGE_OPEN_ITERATORS,
    GAUGE_OPEN_TRACKERS,
    GAUGE_COUNT,
};

extern const char *const counter_names[GAUGE_COUNT + CALL_COUNT];

void report_open(void);
void report_call(enum call_index index);
void report_add(enum gauge gauge, int64_t change);

#pragma GCC visibility pop

#endif
