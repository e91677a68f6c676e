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
    struct connection initial = {.service = SERVICE_VOTEQUORUM};
    if (callbacks != NULL) {
        initial.callbacks = *callbacks;
    }
    return connection_open(CALL_votequorum_initialize, &initial, handle);
}

cs_error_t votequorum_finalize(votequorum_handle_t handle) {
    return connection_close(CALL_votequorum_finalize, SERVICE_VOTEQUORUM, handle);
}

static void deliver(struct connection *connection, struct event *event) {
    const votequorum_callbacks_t callbacks = connection->callbacks;
    lock();
    report_add(GAUGE_CALLBACKS, 1);
    if (event->kind == EVENT_NODELIST) {
        report_add(GAUGE_CALLBACKS_NODELIST, 1);
    }
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
    cluster_expect(expected_votes);
    struct event event = {0};
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
    struct votequorum_info info;
    bool is_known = cluster_info(VOTEQUORUM_QDEVICE_NODEID, &info);
    if (is_known && info.total_votes - (uint32_t)node->votes + votes < info.quorum) {
        return leave(connection, CS_ERR_INVALID_PARAM);
    }
    node->votes = votes;
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

// What corosync answers about a device of this name: CS_OK if it is the one that is registered.
static cs_error_t check_device(const char *name) {
    if (!cluster.qdevice_registered) {
        return CS_ERR_NOT_EXIST;
    }
    return strncmp(name, cluster.qdevice_name, sizeof cluster.qdevice_name) == 0 ? CS_OK : CS_ERR_INVALID_PARAM;
}

static void name_device(const char *name) {
    memset(cluster.qdevice_name, 0, sizeof cluster.qdevice_name);
    memcpy(cluster.qdevice_name, name, strlen(name));
}

#define ENTER_DEVICE(function, name)                                                                                   \
    if (is_bad_name(name)) {                                                                                           \
        return CS_ERR_INVALID_PARAM;                                                                                   \
    }                                                                                                                  \
    ENTER(function)                                                                                                    \
    error = check_device(name);

cs_error_t votequorum_qdevice_register(votequorum_handle_t handle, const char *name) {
    ENTER_DEVICE(votequorum_qdevice_register, name)
    if (error != CS_ERR_NOT_EXIST) {
        return leave(connection, error == CS_OK ? CS_OK : CS_ERR_EXIST);
    }
    cluster.qdevice_registered = true;
    name_device(name);
    cluster_mark_local(VOTEQUORUM_INFO_QDEVICE_REGISTERED, true);
    return leave(connection, CS_OK);
}

cs_error_t votequorum_qdevice_unregister(votequorum_handle_t handle, const char *name) {
    ENTER_DEVICE(votequorum_qdevice_unregister, name)
    if (error == CS_OK) {
        cluster.qdevice_registered = false;
        name_device("");
        cluster_mark_local(QDEVICE_BITS, false);
    }
    return leave(connection, error);
}

cs_error_t votequorum_qdevice_update(votequorum_handle_t handle, const char *oldname, const char *newname) {
    if (is_bad_name(newname)) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER_DEVICE(votequorum_qdevice_update, oldname)
    if (error == CS_OK) {
        name_device(newname);
    }
    return leave(connection, error);
}

cs_error_t votequorum_qdevice_poll(votequorum_handle_t handle, const char *name, unsigned int cast_vote,
                                   votequorum_ring_id_t ring_id) {
    ENTER_DEVICE(votequorum_qdevice_poll, name)
    if (error == CS_OK && (ring_id.nodeid != cluster.ring.nodeid || ring_id.seq != cluster.ring.seq)) {
        error = CS_ERR_MESSAGE_ERROR;
    }
    if (error == CS_OK) {
        cluster_mark_local(VOTEQUORUM_INFO_QDEVICE_ALIVE, true);
        cluster_mark_local(VOTEQUORUM_INFO_QDEVICE_CAST_VOTE, cast_vote != 0);
    }
    return leave(connection, error);
}

cs_error_t votequorum_qdevice_master_wins(votequorum_handle_t handle, const char *name, unsigned int allow) {
    ENTER_DEVICE(votequorum_qdevice_master_wins, name)
    if (error == CS_OK) {
        cluster_mark_local(VOTEQUORUM_INFO_QDEVICE_MASTER_WINS, allow != 0);
    }
    return leave(connection, error);
}
