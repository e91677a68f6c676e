// SPDX-License-Identifier: MIT

// The functions of cmap.h.

#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "internal.h"

// Takes the lock for a call about a key, if there is one.
static cs_error_t begin(enum call_index index, cmap_handle_t handle, bool local, const char *key,
                        struct connection **connection) {
    if (key != NULL && strlen(key) >= CS_MAX_NAME_LENGTH) {
        return CS_ERR_NAME_TOO_LONG;
    }
    return enter(&(struct call){.index = index, .service = SERVICE_CMAP, .handle = handle, .local = local, .key = key},
                 connection);
}

#define ENTER(index, is_local, key)                                                                                    \
    struct connection *connection;                                                                                     \
    cs_error_t error = begin(index, handle, is_local, key, &connection);                                               \
    if (error != CS_OK) {                                                                                              \
        return error;                                                                                                  \
    }

// MARK: connection

cs_error_t cmap_initialize_map(cmap_handle_t *handle, cmap_map_t map) {
    struct connection initial = {.service = SERVICE_CMAP, .map = map};
    cs_error_t error = connection_open(CALL_cmap_initialize_map, &initial, handle);
    // As in the real library, a map that does not exist leaves the handle open.
    return error == CS_OK && map != CMAP_MAP_ICMAP && map != CMAP_MAP_STATS ? CS_ERR_NOT_EXIST : error;
}

cs_error_t cmap_finalize(cmap_handle_t handle) { return connection_close(CALL_cmap_finalize, SERVICE_CMAP, handle); }

cs_error_t cmap_fd_get(cmap_handle_t handle, int *fd) {
    ENTER(CALL_cmap_fd_get, true, NULL)
    *fd = connection->client;
    return leave(connection, CS_OK);
}

static void deliver(struct connection *connection, struct event *event) {
    cmap_notify_fn_t notify = NULL;
    void *user_data = NULL;
    lock();
    for (struct tracker *tracker = connection->trackers; tracker != NULL; tracker = tracker->next) {
        if (tracker->handle == event->tracker) {
            notify = tracker->notify;
            user_data = tracker->user_data;
        }
    }
    if (notify != NULL) {
        report_add(GAUGE_CALLBACKS, 1);
    }
    unlock();
    // A tracker deleted in between: its notification is dropped without a word.
    if (notify != NULL) {
        struct cmap_notify_value new = {
            .type = (cmap_value_types_t)event->new_type, .len = event->new_length, .data = event->data};
        struct cmap_notify_value old = {.type = (cmap_value_types_t)event->old_type,
                                        .len = event->old_length,
                                        .data = event->data + event->new_length};
        notify(connection->handle, event->tracker, event->change, event->key, new, old, user_data);
    }
}

cs_error_t cmap_dispatch(cmap_handle_t handle, cs_dispatch_flags_t dispatch_types) {
    return connection_dispatch(CALL_cmap_dispatch, SERVICE_CMAP, handle, dispatch_types, deliver);
}

cs_error_t cmap_context_get(cmap_handle_t handle, const void **context) {
    ENTER(CALL_cmap_context_get, true, NULL)
    *context = connection->context;
    return leave(connection, CS_OK);
}

cs_error_t cmap_context_set(cmap_handle_t handle, const void *context) {
    ENTER(CALL_cmap_context_set, true, NULL)
    connection->context = (void *)(uintptr_t)context;
    return leave(connection, CS_OK);
}

// MARK: writing

// Of the statistics only these can be written to, which sets counters to 0, and nothing can be deleted.
static cs_error_t check_write(const struct connection *connection, const char *key_name) {
    if (connection->map != CMAP_MAP_STATS) {
        return CS_OK;
    }
    return strncmp(key_name, "stats.clear.", 12) == 0 ? CS_ERR_NOT_SUPPORTED : CS_ERR_ACCESS;
}

cs_error_t cmap_set(cmap_handle_t handle, const char *key_name, const void *value, size_t value_len,
                    cmap_value_types_t type) {
    if (key_name == NULL || value == NULL) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(CALL_cmap_set, false, key_name)
    error = check_write(connection, key_name);
    if (error != CS_OK) {
        // The counters that are cleared are the script's to change.
        return leave(connection, error == CS_ERR_NOT_SUPPORTED ? CS_OK : error);
    }
    if (type == CMAP_VALUETYPE_STRING) {
        // The length may include the null byte, and nothing after it.
        if (value_len > strnlen(value, value_len) + 1) {
            return leave(connection, CS_ERR_INVALID_PARAM);
        }
        char *text = strndup(value, value_len);
        if (text == NULL) {
            return leave(connection, CS_ERR_NO_MEMORY);
        }
        map_set(connection->map, key_name, type, text, strlen(text) + 1);
        free(text);
        return leave(connection, CS_OK);
    }
    if (type != CMAP_VALUETYPE_BINARY && (map_size_of(type) == 0 || map_size_of(type) != value_len)) {
        return leave(connection, CS_ERR_INVALID_PARAM);
    }
    map_set(connection->map, key_name, type, value, value_len);
    return leave(connection, CS_OK);
}

cs_error_t cmap_delete(cmap_handle_t handle, const char *key_name) {
    if (key_name == NULL) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(CALL_cmap_delete, false, key_name)
    error = check_write(connection, key_name);
    if (error == CS_OK && !map_delete(connection->map, key_name)) {
        error = CS_ERR_NOT_EXIST;
    }
    return leave(connection, error);
}

static cs_error_t adjust(enum call_index index, cmap_handle_t handle, const char *key_name, int step) {
    if (key_name == NULL) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(index, false, key_name)
    error = check_write(connection, key_name);
    if (error != CS_OK) {
        return leave(connection, error);
    }
    const struct key *key = map_find(connection->map, key_name);
    if (key == NULL) {
        return leave(connection, CS_ERR_NOT_EXIST);
    }
    if (key->type < CMAP_VALUETYPE_INT8 || key->type > CMAP_VALUETYPE_UINT64) {
        return leave(connection, CS_ERR_INVALID_PARAM);
    }
    uint64_t number = 0;
    memcpy(&number, key->value, key->length);
    number += (uint64_t)(int64_t)step;
    map_set(connection->map, key_name, key->type, &number, key->length);
    return leave(connection, CS_OK);
}

cs_error_t cmap_inc(cmap_handle_t handle, const char *key_name) { return adjust(CALL_cmap_inc, handle, key_name, 1); }

cs_error_t cmap_dec(cmap_handle_t handle, const char *key_name) { return adjust(CALL_cmap_dec, handle, key_name, -1); }

// MARK: reading

cs_error_t cmap_get(cmap_handle_t handle, const char *key_name, void *value, size_t *value_len,
                    cmap_value_types_t *type) {
    if (key_name == NULL || (value != NULL && value_len == NULL)) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(CALL_cmap_get, false, key_name)
    const struct key *key = map_find(connection->map, key_name);
    if (key == NULL) {
        return leave(connection, CS_ERR_NOT_EXIST);
    }
    if (value != NULL && *value_len > 0) {
        if (*value_len < key->length) {
            return leave(connection, CS_ERR_INVALID_PARAM);
        }
        memcpy(value, key->value, key->length);
    }
    if (value_len != NULL) {
        *value_len = key->length;
    }
    if (type != NULL) {
        *type = (cmap_value_types_t)key->type;
    }
    return leave(connection, CS_OK);
}

// MARK: iterating

static uint64_t next_handle(void) {
    static uint64_t serial = 0x17e70000;
    return ++serial;
}

cs_error_t cmap_iter_init(cmap_handle_t handle, const char *prefix, cmap_iter_handle_t *cmap_iter_handle) {
    if (cmap_iter_handle == NULL) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(CALL_cmap_iter_init, false, prefix)
    struct iterator *iterator = calloc(1, sizeof *iterator);
    if (iterator == NULL) {
        abort();
    }
    iterator->handle = next_handle();
    iterator->prefix = strdup(prefix != NULL ? prefix : "");
    iterator->next = connection->iterators;
    connection->iterators = iterator;
    *cmap_iter_handle = iterator->handle;
    report_add(GAUGE_OPEN_ITERATORS, 1);
    return leave(connection, CS_OK);
}

cs_error_t cmap_iter_next(cmap_handle_t handle, cmap_iter_handle_t iter_handle, char key_name[], size_t *value_len,
                          cmap_value_types_t *type) {
    if (key_name == NULL) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(CALL_cmap_iter_next, false, NULL)
    struct iterator *iterator = connection->iterators;
    while (iterator != NULL && iterator->handle != iter_handle) {
        iterator = iterator->next;
    }
    if (iterator == NULL) {
        return leave(connection, CS_ERR_BAD_HANDLE);
    }
    const struct key *key = map_after(connection->map, iterator->last, iterator->prefix);
    if (key == NULL) {
        return leave(connection, CS_ERR_NO_SECTIONS);
    }
    free(iterator->last);
    iterator->last = strdup(key->name);
    strcpy(key_name, key->name);
    if (value_len != NULL) {
        *value_len = key->length;
    }
    if (type != NULL) {
        *type = (cmap_value_types_t)key->type;
    }
    return leave(connection, CS_OK);
}

cs_error_t cmap_iter_finalize(cmap_handle_t handle, cmap_iter_handle_t iter_handle) {
    ENTER(CALL_cmap_iter_finalize, false, NULL)
    for (struct iterator **link = &connection->iterators; *link != NULL; link = &(*link)->next) {
        struct iterator *iterator = *link;
        if (iterator->handle == iter_handle) {
            *link = iterator->next;
            free(iterator->prefix);
            free(iterator->last);
            free(iterator);
            report_add(GAUGE_OPEN_ITERATORS, -1);
            return leave(connection, CS_OK);
        }
    }
    return leave(connection, CS_ERR_BAD_HANDLE);
}

// MARK: tracking

cs_error_t cmap_track_add(cmap_handle_t handle, const char *key_name, int32_t track_type, cmap_notify_fn_t notify_fn,
                          void *user_data, cmap_track_handle_t *cmap_track_handle) {
    if (cmap_track_handle == NULL || notify_fn == NULL) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(CALL_cmap_track_add, false, key_name)
    const int32_t known = CMAP_TRACK_ADD | CMAP_TRACK_DELETE | CMAP_TRACK_MODIFY | CMAP_TRACK_PREFIX;
    if ((track_type & ~known) != 0) {
        return leave(connection, CS_ERR_INVALID_PARAM);
    }
    const int32_t of_names = CMAP_TRACK_ADD | CMAP_TRACK_DELETE;
    if (connection->map == CMAP_MAP_STATS && (track_type & CMAP_TRACK_PREFIX) != 0 &&
        (track_type & of_names) != of_names) {
        return leave(connection, CS_ERR_NOT_SUPPORTED);
    }
    struct tracker *tracker = calloc(1, sizeof *tracker);
    if (tracker == NULL) {
        abort();
    }
    tracker->handle = next_handle();
    tracker->key = strdup(key_name != NULL ? key_name : "");
    tracker->type = key_name != NULL ? track_type : track_type | CMAP_TRACK_PREFIX;
    tracker->notify = notify_fn;
    tracker->user_data = user_data;
    statistics_remember(tracker);
    tracker->next = connection->trackers;
    connection->trackers = tracker;
    *cmap_track_handle = tracker->handle;
    report_add(GAUGE_OPEN_TRACKERS, 1);
    wake_daemon();
    return leave(connection, CS_OK);
}

cs_error_t cmap_track_delete(cmap_handle_t handle, cmap_track_handle_t track_handle) {
    ENTER(CALL_cmap_track_delete, false, NULL)
    for (struct tracker **link = &connection->trackers; *link != NULL; link = &(*link)->next) {
        struct tracker *tracker = *link;
        if (tracker->handle == track_handle) {
            *link = tracker->next;
            free(tracker->key);
            free(tracker);
            report_add(GAUGE_OPEN_TRACKERS, -1);
            return leave(connection, CS_OK);
        }
    }
    return leave(connection, CS_ERR_BAD_HANDLE);
}
