// SPDX-License-Identifier: MIT

// The functions of votequorum.h.

#define _GNU_SOURCE
#include <string.h>

#include "internal.h"

#define ENTER(name, ...)                                                                                               \
    struct connection *connection;                                                                                     \
    cs_error_t error = enter(                                                                                          \
        &(struct call){                                                                                                \
            .index = CALL_##name, .service = SERVICE_VOTEQUORUM, .handle = handle, __VA_ARGS__},                        \
        &connection);                                                                                                  \
    if (error != CS_OK) {                                                                                              \
        return error;                                                                                                  \
    }

cs_error_t votequorum_initialize(votequorum_handle_t *handle, votequorum_callbacks_t *callbacks) {
    cs_error_t error = connection_open(CALL_votequorum_initialize, SERVICE_VOTEQUORUM, handle);
    if (error == CS_OK && callbacks != NULL) {
        lock();
        for (struct connection *connection = connections; connection != NULL; connection = connection->next) {
            if (connection->service == SERVICE_VOTEQUORUM && connection->handle == *handle) {
                connection->callbacks = *callbacks;
            }
        }
        unlock();
    }
    return error;
}

cs_error_t votequorum_finalize(votequorum_handle_t handle) {
    return connection_close(CALL_votequorum_finalize, SERVICE_VOTEQUORUM, handle);
}

static void deliver(struct connection *connection, struct event *event) {
    const votequorum_callbacks_t callbacks = connection->callbacks;
    lock();
    report_add(GAUGE_CALLBACKS, 1);
    report_add(event->kind == EVENT_NODELIST ? GAUGE_CALLBACKS_NODELIST
               : event->kind == EVENT_QUORUM ? GAUGE_CALLBACKS_QUORUM
                                             : GAUGE_CALLBACKS_EXPECTED,
               1);
    unlock();
    switch (event->kind) {
    case EVENT_NODELIST:
        callbacks.votequorum_nodelist_notify_fn(connection->handle, event->context, event->ring, event->entries,
                                                (void *)event->data);
        break;
    case EVENT_QUORUM:
        callbacks.votequorum_quorum_notify_fn(connection->handle, event->context, event->value, event->entries,
                                              (void *)event->data);
        break;
    case EVENT_EXPECTED:
        callbacks.votequorum_expectedvotes_notify_fn(connection->handle, event->context, event->value);
        break;
    case EVENT_KEY: break;
    }
}

cs_error_t votequorum_dispatch(votequorum_handle_t handle, cs_dispatch_flags_t dispatch_types) {
    if (dispatch_types < CS_DISPATCH_ONE || dispatch_types > CS_DISPATCH_ONE_NONBLOCKING) {
        return CS_ERR_INVALID_PARAM;
    }
    return connection_dispatch(CALL_votequorum_dispatch, SERVICE_VOTEQUORUM, handle, dispatch_types, deliver);
}

cs_error_t votequorum_fd_get(votequorum_handle_t handle, int *fd) {
    ENTER(votequorum_fd_get, .local = true)
    *fd = connection->client;
    return leave(connection, CS_OK);
}

cs_error_t votequorum_getinfo(votequorum_handle_t handle, unsigned int nodeid, struct votequorum_info *info) {
    struct connection *connection;
    struct call call = {
        .index = CALL_votequorum_getinfo, .service = SERVICE_VOTEQUORUM, .handle = handle, .node = &nodeid};
    cs_error_t error = enter(&call, &connection);
    if (error == CS_OK) {
        error = leave(connection, cluster_info(nodeid, info) ? CS_OK : CS_ERR_NOT_EXIST);
    }
    if (error != CS_OK) {
        // The real library leaves what lay on its stack. Whoever reads it shall notice.
        memset(info, 0xa5, sizeof *info);
    }
    return error;
}

cs_error_t votequorum_setexpected(votequorum_handle_t handle, unsigned int expected_votes) {
    ENTER(votequorum_setexpected)
    struct votequorum_info info;
    uint32_t total = cluster_info(VOTEQUORUM_QDEVICE_NODEID, &info) ? info.total_votes : 0;
    uint32_t quorate = cluster_quorate();
    if (expected_votes < total || (quorate != 0 && expected_votes / 2 + 1 > total)) {
        return leave(connection, CS_ERR_INVALID_PARAM);
    }
    cluster.expected = (struct number_or_auto){.given = true, .value = expected_votes};
    for (size_t index = 0; index < cluster.node_count; index++) {
        cluster.nodes[index].expected_given = false;
    }
    struct event event = {.kind = EVENT_EXPECTED};
    event_expected(&event);
    event_broadcast(&event, NULL);
    if (cluster_quorate() != quorate) {
        struct event *snapshot = __builtin_alloca(sizeof *snapshot + (cluster.node_count + 1) * sizeof(votequorum_node_t));
        memset(snapshot, 0, sizeof *snapshot);
        event_quorum(snapshot);
        event_broadcast(snapshot, NULL);
    }
    return leave(connection, CS_OK);
}

cs_error_t votequorum_setvotes(votequorum_handle_t handle, unsigned int nodeid, unsigned int votes) {
    ENTER(votequorum_setvotes, .node = &nodeid)
    struct node *node = cluster_find(nodeid);
    if (node == NULL || node->state == STATE_ABSENT) {
        return leave(connection, CS_ERR_NAME_NOT_FOUND);
    }
    uint32_t before = node->votes;
    node->votes = votes;
    struct votequorum_info info;
    if (cluster_info(VOTEQUORUM_QDEVICE_NODEID, &info) && info.quorum > info.total_votes) {
        node->votes = before;
        return leave(connection, CS_ERR_INVALID_PARAM);
    }
    return leave(connection, CS_OK);
}

cs_error_t votequorum_trackstart(votequorum_handle_t handle, uint64_t context, unsigned int flags) {
    ENTER(votequorum_trackstart)
    if ((flags & (CS_TRACK_CURRENT | CS_TRACK_CHANGES)) != 0) {
        event_snapshot(connection, context);
    }
    if (connection->tracking) {
        return leave(connection, CS_ERR_EXIST);
    }
    if ((flags & (CS_TRACK_CHANGES | CS_TRACK_CHANGES_ONLY)) != 0) {
        connection->tracking = true;
        connection->tracking_context = context;
    }
    return leave(connection, CS_OK);
}

cs_error_t votequorum_trackstop(votequorum_handle_t handle) {
    ENTER(votequorum_trackstop)
    if (!connection->tracking) {
        return leave(connection, CS_ERR_NOT_EXIST);
    }
    connection->tracking = false;
    return leave(connection, CS_OK);
}

cs_error_t votequorum_context_get(votequorum_handle_t handle, void **context) {
    ENTER(votequorum_context_get, .local = true)
    *context = connection->context;
    return leave(connection, CS_OK);
}

cs_error_t votequorum_context_set(votequorum_handle_t handle, void *context) {
    ENTER(votequorum_context_set, .local = true)
    connection->context = context;
    return leave(connection, CS_OK);
}

// MARK: the quorum device

static bool is_bad_name(const char *name) {
    size_t length = strlen(name);
    return length == 0 || length >= VOTEQUORUM_QDEVICE_MAX_NAME_LEN;
}

static bool is_registered(const char *name) {
    return cluster.qdevice_registered && strlen(name) == cluster.qdevice_name.length &&
           memcmp(name, cluster.qdevice_name.data, cluster.qdevice_name.length) == 0;
}

static void rename_device(const char *name) {
    static char storage[VOTEQUORUM_QDEVICE_MAX_NAME_LEN];
    memset(storage, 0, sizeof storage);
    memcpy(storage, name, strlen(name));
    cluster.qdevice_name = (struct bytes){.data = storage, .length = strlen(name)};
}

static void mark_local(uint32_t bits, bool on) {
    struct node *node = cluster_find(cluster.local);
    if (node != NULL) {
        node->flags = on ? node->flags | bits : node->flags & ~bits;
    }
}

cs_error_t votequorum_qdevice_register(votequorum_handle_t handle, const char *name) {
    if (is_bad_name(name)) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(votequorum_qdevice_register)
    if (cluster.qdevice_registered) {
        return leave(connection, is_registered(name) ? CS_OK : CS_ERR_EXIST);
    }
    cluster.qdevice_registered = true;
    rename_device(name);
    mark_local(VOTEQUORUM_INFO_QDEVICE_REGISTERED, true);
    return leave(connection, CS_OK);
}

cs_error_t votequorum_qdevice_unregister(votequorum_handle_t handle, const char *name) {
    if (is_bad_name(name)) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(votequorum_qdevice_unregister)
    if (!is_registered(name)) {
        return leave(connection, cluster.qdevice_registered ? CS_ERR_INVALID_PARAM : CS_ERR_NOT_EXIST);
    }
    cluster.qdevice_registered = false;
    cluster.qdevice_name = (struct bytes){0};
    mark_local(VOTEQUORUM_INFO_QDEVICE_REGISTERED | VOTEQUORUM_INFO_QDEVICE_ALIVE | VOTEQUORUM_INFO_QDEVICE_CAST_VOTE |
                   VOTEQUORUM_INFO_QDEVICE_MASTER_WINS,
               false);
    return leave(connection, CS_OK);
}

cs_error_t votequorum_qdevice_update(votequorum_handle_t handle, const char *oldname, const char *newname) {
    if (is_bad_name(oldname) || is_bad_name(newname)) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(votequorum_qdevice_update)
    if (!is_registered(oldname)) {
        return leave(connection, cluster.qdevice_registered ? CS_ERR_INVALID_PARAM : CS_ERR_NOT_EXIST);
    }
    rename_device(newname);
    return leave(connection, CS_OK);
}

cs_error_t votequorum_qdevice_poll(votequorum_handle_t handle, const char *name, unsigned int cast_vote,
                                   votequorum_ring_id_t ring_id) {
    if (is_bad_name(name)) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(votequorum_qdevice_poll)
    if (!is_registered(name)) {
        return leave(connection, cluster.qdevice_registered ? CS_ERR_INVALID_PARAM : CS_ERR_NOT_EXIST);
    }
    if (ring_id.nodeid != cluster.ring.nodeid || ring_id.seq != cluster.ring.seq) {
        return leave(connection, CS_ERR_MESSAGE_ERROR);
    }
    mark_local(VOTEQUORUM_INFO_QDEVICE_ALIVE, true);
    mark_local(VOTEQUORUM_INFO_QDEVICE_CAST_VOTE, cast_vote != 0);
    cluster.qdevice_state = cast_vote != 0 ? VOTEQUORUM_NODESTATE_MEMBER : VOTEQUORUM_NODESTATE_DEAD;
    return leave(connection, CS_OK);
}

cs_error_t votequorum_qdevice_master_wins(votequorum_handle_t handle, const char *name, unsigned int allow) {
    if (is_bad_name(name)) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(votequorum_qdevice_master_wins)
    if (!is_registered(name)) {
        return leave(connection, cluster.qdevice_registered ? CS_ERR_INVALID_PARAM : CS_ERR_NOT_EXIST);
    }
    mark_local(VOTEQUORUM_INFO_QDEVICE_MASTER_WINS, allow != 0);
    return leave(connection, CS_OK);
}
