// SPDX-License-Identifier: MIT

// Connections to the pretended daemon: handles, descriptors, queues, dispatch, and the gate every call goes through.
//
// The descriptor is one end of a socket pair, as in the real library: a byte lies in it while a notification waits,
// one byte is taken with each, and a hang-up of either end is an error of the library.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

// Bytes put into a descriptor at once when much is pending.
#define TOKENS 64

struct connection *connections;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t daemon_condition;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&daemon_condition, &attributes);
    pthread_condattr_destroy(&attributes);
    script_load();
    report_open();
}

void lock(void) { pthread_mutex_lock(&mutex); }
void unlock(void) { pthread_mutex_unlock(&mutex); }
void wake_daemon(void) { pthread_cond_broadcast(&daemon_condition); }

uint64_t now_milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

void wait_for_daemon(uint64_t milliseconds) {
    if (milliseconds > 3600 * 1000) {
        milliseconds = 3600 * 1000;
    }
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += (time_t)(milliseconds / 1000);
    time.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (time.tv_nsec >= 1000000000) {
        time.tv_sec++;
        time.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&daemon_condition, &mutex, &time);
}

static void sleep_milliseconds(uint64_t milliseconds) {
    struct timespec time = {.tv_sec = (time_t)(milliseconds / 1000), .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    while (nanosleep(&time, &time) != 0 && errno == EINTR) {
    }
}

// MARK: the list of connections

static struct connection *find(enum service service, uint64_t handle) {
    for (struct connection *connection = connections; connection != NULL; connection = connection->next) {
        if (connection->service == service && connection->handle == handle && !connection->finalized) {
            return connection;
        }
    }
    return NULL;
}

static void release(struct connection *connection) {
    if (--connection->references > 0) {
        return;
    }
    for (struct connection **link = &connections; *link != NULL; link = &(*link)->next) {
        if (*link == connection) {
            *link = connection->next;
            break;
        }
    }
    close(connection->client);
    if (connection->server >= 0) {
        close(connection->server);
    }
    while (connection->first != NULL) {
        struct event *next = connection->first->next;
        free(connection->first);
        connection->first = next;
    }
    while (connection->iterators != NULL) {
        struct iterator *next = connection->iterators->next;
        free(connection->iterators->prefix);
        free(connection->iterators->last);
        free(connection->iterators);
        connection->iterators = next;
    }
    while (connection->trackers != NULL) {
        struct tracker *next = connection->trackers->next;
        free(connection->trackers->key);
        free(connection->trackers);
        connection->trackers = next;
    }
    free(connection);
}

static bool is_hung_up(const struct connection *connection) {
    struct pollfd descriptor = {.fd = connection->client, .events = 0};
    return poll(&descriptor, 1, 0) > 0;
}

void connection_hang_up(struct connection *connection) {
    if (connection->server >= 0) {
        close(connection->server);
        connection->server = -1;
    }
}

// MARK: the gate

static bool matches(const struct fault *fault, const struct call *call) {
    return fault->call == call->index && (fault->node == NONE || (call->node != NULL && fault->node == *call->node)) &&
           (fault->key == NULL || (call->key != NULL && strcmp(fault->key, call->key) == 0));
}

static cs_error_t suffer(const struct call *call) {
    cs_error_t error = CS_OK;
    for (struct fault *fault = faults; fault != NULL; fault = fault->next) {
        if (!matches(fault, call)) {
            continue;
        }
        // A call counts for every fault, also where an earlier one has made it fail.
        fault->seen++;
        if (error != CS_OK || fault->seen < fault->first || fault->seen - fault->first >= fault->times) {
            continue;
        }
        if (fault->kind == FAULT_FAIL) {
            error = (cs_error_t)fault->value;
            continue;
        }
        unlock();
        sleep_milliseconds(fault->kind == FAULT_HANG ? FOREVER : fault->value);
        lock();
    }
    return error;
}

cs_error_t enter(const struct call *call, struct connection **result) {
    pthread_once(&once, start);
    lock();
    report_call(call->index);
    cs_error_t error = suffer(call);
    if (error != CS_OK) {
        unlock();
        return error;
    }
    if (result == NULL) {
        return CS_OK;
    }
    struct connection *connection = find(call->service, call->handle);
    if (connection == NULL) {
        unlock();
        return CS_ERR_BAD_HANDLE;
    }
    connection->references++;
    if (!call->local && is_hung_up(connection)) {
        return leave(connection, CS_ERR_LIBRARY);
    }
    *result = connection;
    return CS_OK;
}

cs_error_t leave(struct connection *connection, cs_error_t result) {
    timeline_advance();
    if (connection != NULL) {
        release(connection);
    }
    connections_refill();
    unlock();
    return result;
}

// MARK: opening and closing

cs_error_t connection_open(enum call_index index, const struct connection *initial, uint64_t *handle) {
    static uint32_t serial;
    // Faults can be limited to connections to one of the maps.
    const char *key =
        initial->service != SERVICE_CMAP ? NULL : initial->map == CMAP_MAP_STATS ? "stats" : "icmap";
    cs_error_t error = enter(&(struct call){.index = index, .service = initial->service, .key = key}, NULL);
    if (error != CS_OK) {
        return error;
    }
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        return leave(NULL, CS_ERR_NO_RESOURCES);
    }
    struct connection *connection = malloc(sizeof *connection);
    if (connection == NULL) {
        abort();
    }
    *connection = *initial;
    serial++;
    // A handle that looks like nothing else: not small, and never used twice.
    connection->handle = ((uint64_t)(0x5eed0000u + serial) << 32) | serial;
    connection->references = 1;
    connection->client = ends[0];
    connection->server = ends[1];
    connection->next = connections;
    connections = connection;
    *handle = connection->handle;
    report_add(connection->service == SERVICE_CMAP ? GAUGE_OPEN_CMAP : GAUGE_OPEN_VOTEQUORUM, 1);
    timeline_start();
    return leave(NULL, CS_OK);
}

cs_error_t connection_close(enum call_index index, enum service service, uint64_t handle) {
    struct connection *connection;
    struct call call = {.index = index, .service = service, .handle = handle, .local = true};
    cs_error_t error = enter(&call, &connection);
    if (error != CS_OK) {
        return error;
    }
    connection->finalized = true;
    connection->tracking = false;
    report_add(service == SERVICE_CMAP ? GAUGE_OPEN_CMAP : GAUGE_OPEN_VOTEQUORUM, -1);
    // The daemon drops with a connection what was opened through it: only a leak while it lives is a leak.
    for (struct iterator *iterator = connection->iterators; iterator != NULL; iterator = iterator->next) {
        report_add(GAUGE_OPEN_ITERATORS, -1);
    }
    for (struct tracker *tracker = connection->trackers; tracker != NULL; tracker = tracker->next) {
        report_add(GAUGE_OPEN_TRACKERS, -1);
    }
    connection->references--;
    return leave(connection, CS_OK);
}

// MARK: notifications

void connection_push(struct connection *connection, const struct event *event) {
    struct event *copy = malloc(event->size);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, event, event->size);
    copy->next = NULL;
    if (connection->last != NULL) {
        connection->last->next = copy;
    } else {
        connection->first = copy;
    }
    connection->last = copy;
    connection->queued++;
}

void event_broadcast(const struct event *event, const struct connection *except) {
    for (struct connection *connection = connections; connection != NULL; connection = connection->next) {
        if (connection->tracking && connection != except) {
            connection_push(connection, event);
            connection->last->context = connection->tracking_context;
        }
    }
}

void event_snapshot(struct connection *connection, uint64_t context) {
    struct event *event = malloc(sizeof *event + (cluster.node_count + 1) * sizeof(votequorum_node_t));
    if (event == NULL) {
        abort();
    }
    memset(event, 0, sizeof *event);
    event_nodelist(event);
    event->context = context;
    connection_push(connection, event);
    event_quorum(event);
    event->context = context;
    connection_push(connection, event);
    free(event);
}

// A byte in every descriptor that has something to take.
void connections_refill(void) {
    static const char bytes[TOKENS];
    uint64_t pending = timeline_pending();
    for (struct connection *connection = connections; connection != NULL; connection = connection->next) {
        uint64_t wanted = connection->queued + (connection->tracking ? pending : 0);
        if (wanted == 0 || connection->tokens > 0 || connection->server < 0) {
            continue;
        }
        ssize_t sent = send(connection->server, bytes, wanted < TOKENS ? (size_t)wanted : TOKENS, MSG_NOSIGNAL);
        if (sent > 0) {
            connection->tokens = (unsigned)sent;
        }
    }
}

// With the lock held: the next notification into `event`, false when the byte stood for nothing any more.
static bool take(struct connection *connection, struct event *event) {
    if (connection->tokens > 0) {
        connection->tokens--;
    }
    if (connection->first != NULL) {
        struct event *first = connection->first;
        memcpy(event, first, first->size);
        connection->first = first->next;
        if (connection->first == NULL) {
            connection->last = NULL;
        }
        connection->queued--;
        free(first);
        return true;
    }
    if (connection->tracking && timeline_take(event, connection)) {
        event->context = connection->tracking_context;
        return true;
    }
    return false;
}

// One notification off the descriptor, as qb_ipcc_event_recv does it: poll, then one byte.
static cs_error_t receive(struct connection *connection, struct event *event, int timeout) {
    for (;;) {
        struct pollfd descriptor = {.fd = connection->client, .events = POLLIN};
        int ready = poll(&descriptor, 1, timeout);
        if (ready == 0 || (ready < 0 && errno == EINTR)) {
            return CS_ERR_TRY_AGAIN;
        }
        if (ready < 0 || (descriptor.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) {
            return CS_ERR_LIBRARY;
        }
        char byte;
        ssize_t got = recv(connection->client, &byte, 1, 0);
        if (got == 0) {
            return CS_ERR_LIBRARY;
        }
        if (got < 0) {
            if (errno == EAGAIN || errno == EINTR) {
                continue;
            }
            return CS_ERR_LIBRARY;
        }
        lock();
        bool taken = take(connection, event);
        if (!taken) {
            connections_refill();
        }
        unlock();
        if (taken) {
            return CS_OK;
        }
    }
}

static bool is_wanted(const struct connection *connection, const struct event *event) {
    switch (event->kind) {
    case EVENT_NODELIST: return connection->callbacks.votequorum_nodelist_notify_fn != NULL;
    case EVENT_QUORUM: return connection->callbacks.votequorum_quorum_notify_fn != NULL;
    case EVENT_EXPECTED: return connection->callbacks.votequorum_expectedvotes_notify_fn != NULL;
    case EVENT_KEY: return true;
    }
    return false;
}

cs_error_t connection_dispatch(enum call_index index, enum service service, uint64_t handle, cs_dispatch_flags_t mode,
                               void (*deliver)(struct connection *connection, struct event *event)) {
    // On the stack, as large as the real one: a thread that is too small for it shall fall over here too.
    _Alignas(16) char buffer[DISPATCH_SIZE];
    struct event *event = (void *)buffer;
    struct connection *connection;
    struct call call = {.index = index, .service = service, .handle = handle, .local = true};
    cs_error_t error = enter(&call, &connection);
    if (error != CS_OK) {
        return error;
    }
    timeline_advance();
    connections_refill();
    unlock();
    int timeout = mode == CS_DISPATCH_ALL || mode == CS_DISPATCH_ONE_NONBLOCKING ? 0 : -1;
    for (;;) {
        error = receive(connection, event, timeout);
        if (error == CS_ERR_TRY_AGAIN) {
            if (mode == CS_DISPATCH_ONE_NONBLOCKING) {
                break;
            }
            error = CS_OK;
            if (mode == CS_DISPATCH_ALL) {
                break;
            }
            continue;
        }
        if (error != CS_OK) {
            break;
        }
        if (is_wanted(connection, event)) {
            deliver(connection, event);
            // What the callback was lent is gone when it returns.
            memset(event->data, 0xa5, event->size - sizeof *event);
        }
        lock();
        bool finalized = connection->finalized;
        timeline_advance();
        connections_refill();
        unlock();
        if (finalized) {
            error = CS_ERR_BAD_HANDLE;
            break;
        }
        if (mode == CS_DISPATCH_ONE || mode == CS_DISPATCH_ONE_NONBLOCKING) {
            break;
        }
    }
    lock();
    return leave(connection, error);
}
