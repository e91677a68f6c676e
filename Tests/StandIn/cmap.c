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

cs_error_t cmap_initialize(cmap_handle_t *handle) {
    return connection_open(CALL_cmap_initialize, &(struct connection){.service = SERVICE_CMAP}, handle);
}

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

static size_t size_of(uint32_t type) {
    switch (type) {
    case CMAP_VALUETYPE_INT8:
    case CMAP_VALUETYPE_UINT8: return 1;
    case CMAP_VALUETYPE_INT16:
    case CMAP_VALUETYPE_UINT16: return 2;
    case CMAP_VALUETYPE_INT32:
    case CMAP_VALUETYPE_UINT32:
    case CMAP_VALUETYPE_FLOAT: return 4;
    case CMAP_VALUETYPE_INT64:
    case CMAP_VALUETYPE_UINT64:
    case CMAP_VALUETYPE_DOUBLE: return 8;
    default: return 0;
    }
}

// Of the statistics only these can be written to, which sets counters to 0, and nothing can be deleted.
static cs_error_t check_write(const struct connection *connection, const char *key_name) {
    if (connection->map != CMAP_MAP_STATS) {
        return CS_OK;
    }
    return strncmp(key_name, "stats.clear.", 12) == 0 ? CS_ERR_NOT_SUPPORTED : CS_ERR_ACCESS;
}

static cs_error_t set(enum call_index index, cmap_handle_t handle, const char *key_name, const void *value,
                      size_t length, uint32_t type) {
    if (key_name == NULL || value == NULL) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(index, false, key_name)
    error = check_write(connection, key_name);
    if (error != CS_OK) {
        // The counters that are cleared are the script's to change.
        return leave(connection, error == CS_ERR_NOT_SUPPORTED ? CS_OK : error);
    }
    if (type == CMAP_VALUETYPE_STRING) {
        char *text = strndup(value, length);
        if (text == NULL) {
            return leave(connection, CS_ERR_NO_MEMORY);
        }
        map_set(connection->map, key_name, type, text, strlen(text) + 1);
        free(text);
        return leave(connection, CS_OK);
    }
    if (type != CMAP_VALUETYPE_BINARY && (size_of(type) == 0 || size_of(type) != length)) {
        return leave(connection, CS_ERR_INVALID_PARAM);
    }
    map_set(connection->map, key_name, type, value, length);
    return leave(connection, CS_OK);
}

cs_error_t cmap_set(cmap_handle_t handle, const char *key_name, const void *value, size_t value_len,
                    cmap_value_types_t type) {
    return set(CALL_cmap_set, handle, key_name, value, value_len, (uint32_t)type);
}

#define SETTER(name, c_type, type)                                                                                     \
    cs_error_t cmap_set_##name(cmap_handle_t handle, const char *key_name, c_type value) {                             \
        return set(CALL_cmap_set_##name, handle, key_name, &value, sizeof value, type);                                \
    }

SETTER(int8, int8_t, CMAP_VALUETYPE_INT8)
SETTER(uint8, uint8_t, CMAP_VALUETYPE_UINT8)
SETTER(int16, int16_t, CMAP_VALUETYPE_INT16)
SETTER(uint16, uint16_t, CMAP_VALUETYPE_UINT16)
SETTER(int32, int32_t, CMAP_VALUETYPE_INT32)
SETTER(uint32, uint32_t, CMAP_VALUETYPE_UINT32)
SETTER(int64, int64_t, CMAP_VALUETYPE_INT64)
SETTER(uint64, uint64_t, CMAP_VALUETYPE_UINT64)
SETTER(float, float, CMAP_VALUETYPE_FLOAT)
SETTER(double, double, CMAP_VALUETYPE_DOUBLE)

cs_error_t cmap_set_string(cmap_handle_t handle, const char *key_name, const char *value) {
    if (value == NULL) {
        return CS_ERR_INVALID_PARAM;
    }
    return set(CALL_cmap_set_string, handle, key_name, value, strlen(value), CMAP_VALUETYPE_STRING);
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

// With the lock held.
static cs_error_t copy_value(const struct connection *connection, const char *key_name, void *value, size_t *length,
                             uint32_t *type) {
    const struct key *key = map_find(connection->map, key_name);
    if (key == NULL) {
        return CS_ERR_NOT_EXIST;
    }
    if (value != NULL && length != NULL && *length > 0) {
        if (*length < key->length) {
            return CS_ERR_INVALID_PARAM;
        }
        memcpy(value, key->value, key->length);
    }
    *type = key->type;
    if (length != NULL) {
        *length = key->length;
    }
    return CS_OK;
}

cs_error_t cmap_get(cmap_handle_t handle, const char *key_name, void *value, size_t *value_len,
                    cmap_value_types_t *type) {
    if (key_name == NULL || (value != NULL && value_len == NULL)) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(CALL_cmap_get, false, key_name)
    uint32_t found;
    error = copy_value(connection, key_name, value, value_len, &found);
    if (error == CS_OK && type != NULL) {
        *type = (cmap_value_types_t)found;
    }
    return leave(connection, error);
}

static cs_error_t get_number(enum call_index index, cmap_handle_t handle, const char *key_name, void *value,
                             size_t size, uint32_t type) {
    if (key_name == NULL) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(index, false, key_name)
    char buffer[16] = {0};
    size_t length = sizeof buffer;
    uint32_t found;
    error = copy_value(connection, key_name, buffer, &length, &found);
    if (error == CS_OK && found != type) {
        error = CS_ERR_INVALID_PARAM;
    }
    if (error == CS_OK) {
        memcpy(value, buffer, size);
    }
    return leave(connection, error);
}

#define GETTER(name, c_type, type)                                                                                     \
    cs_error_t cmap_get_##name(cmap_handle_t handle, const char *key_name, c_type *value) {                            \
        return get_number(CALL_cmap_get_##name, handle, key_name, value, sizeof *value, type);                         \
    }

GETTER(int8, int8_t, CMAP_VALUETYPE_INT8)
GETTER(uint8, uint8_t, CMAP_VALUETYPE_UINT8)
GETTER(int16, int16_t, CMAP_VALUETYPE_INT16)
GETTER(uint16, uint16_t, CMAP_VALUETYPE_UINT16)
GETTER(int32, int32_t, CMAP_VALUETYPE_INT32)
GETTER(uint32, uint32_t, CMAP_VALUETYPE_UINT32)
GETTER(int64, int64_t, CMAP_VALUETYPE_INT64)
GETTER(uint64, uint64_t, CMAP_VALUETYPE_UINT64)
GETTER(float, float, CMAP_VALUETYPE_FLOAT)
GETTER(double, double, CMAP_VALUETYPE_DOUBLE)

cs_error_t cmap_get_string(cmap_handle_t handle, const char *key_name, char **str) {
    if (key_name == NULL) {
        return CS_ERR_INVALID_PARAM;
    }
    ENTER(CALL_cmap_get_string, false, key_name)
    const struct key *key = map_find(connection->map, key_name);
    if (key == NULL) {
        return leave(connection, CS_ERR_NOT_EXIST);
    }
    if (key->type != CMAP_VALUETYPE_STRING) {
        return leave(connection, CS_ERR_INVALID_PARAM);
    }
    char *copy = malloc(key->length);
    if (copy == NULL) {
        return leave(connection, CS_ERR_NO_MEMORY);
    }
    memcpy(copy, key->value, key->length);
    *str = copy;
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
    tracker->next = connection->trackers;
    connection->trackers = tracker;
    *cmap_track_handle = tracker->handle;
    report_add(GAUGE_OPEN_TRACKERS, 1);
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
