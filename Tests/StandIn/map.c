// SPDX-License-Identifier: MIT

// The maps: keys in order of their names, and notifications of their changes for the connections that track them.

#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static struct key **keys;
static size_t key_count, key_room;

static int compare(cmap_map_t map, const char *name, const struct key *key) {
    if (map != key->map) {
        return map < key->map ? -1 : 1;
    }
    return strcmp(name, key->name);
}

// The first place whose key is not before `name`.
static size_t place_of(cmap_map_t map, const char *name) {
    size_t low = 0, high = key_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(map, name, keys[middle]) > 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct key *map_find(cmap_map_t map, const char *name) {
    size_t place = place_of(map, name);
    return place < key_count && compare(map, name, keys[place]) == 0 ? keys[place] : NULL;
}

struct key *map_after(cmap_map_t map, const char *name, const char *prefix) {
    size_t place = place_of(map, name != NULL ? name : prefix);
    if (name != NULL && place < key_count && compare(map, name, keys[place]) == 0) {
        place++;
    }
    if (place >= key_count || keys[place]->map != map || strncmp(keys[place]->name, prefix, strlen(prefix)) != 0) {
        return NULL;
    }
    return keys[place];
}

size_t map_size_of(uint32_t type) {
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

// MARK: notifications

static bool is_tracked(const struct tracker *tracker, cmap_map_t map, const char *name, int32_t change) {
    if ((tracker->type & change) == 0) {
        return false;
    }
    // Corosync looks at statistics now and then, and notifies nobody when a key of stats.schedmiss. is added.
    if (map == CMAP_MAP_STATS && (change == CMAP_TRACK_MODIFY || strncmp(name, "stats.schedmiss.", 16) == 0)) {
        return false;
    }
    return (tracker->type & CMAP_TRACK_PREFIX) != 0 ? strncmp(name, tracker->key, strlen(tracker->key)) == 0
                                                    : strcmp(name, tracker->key) == 0;
}

static void notify(struct connection *connection, const struct tracker *tracker, int32_t change, const char *name,
                   const struct key *new, const struct key *old) {
    size_t new_length = new != NULL ? new->length : 0, old_length = old != NULL ? old->length : 0;
    size_t size = sizeof(struct event) + new_length + old_length;
    struct event *event = calloc(1, size);
    if (event == NULL) {
        abort();
    }
    event->size = size;
    event->kind = EVENT_KEY;
    event->tracker = tracker->handle;
    event->change = change;
    strncpy(event->key, name, sizeof event->key - 1);
    event->new_type = new != NULL ? new->type : 0;
    event->old_type = old != NULL ? old->type : 0;
    event->new_length = new_length;
    event->old_length = old_length;
    // The old value lies right behind the new one and is aligned for nothing, as in the real library.
    if (new_length > 0) {
        memcpy(event->data, new->value, new_length);
    }
    if (old_length > 0) {
        memcpy(event->data + new_length, old->value, old_length);
    }
    connection_push(connection, event);
    free(event);
}

static bool is_connected(const struct connection *connection, cmap_map_t map) {
    return connection->service == SERVICE_CMAP && connection->map == map && !connection->finalized;
}

static void tell(int32_t change, cmap_map_t map, const char *name, const struct key *new, const struct key *old) {
    if (map == CMAP_MAP_STATS) {
        // Corosync keeps no statistics of before: both values are the one that it has.
        new = old = new != NULL ? new : old;
    }
    for (struct connection *connection = connections; connection != NULL; connection = connection->next) {
        for (struct tracker *tracker = connection->trackers; tracker != NULL; tracker = tracker->next) {
            if (is_connected(connection, map) && is_tracked(tracker, map, name, change)) {
                notify(connection, tracker, change, name, new, old);
            }
        }
    }
}

// MARK: statistics

uint64_t statistics_interval = 1500;

// Corosync compares as many bytes as the value has, at most eight, with 0 if there was none.
static uint64_t value_of(const struct key *key) {
    uint64_t value = 0;
    if (key != NULL) {
        memcpy(&value, key->value, key->length < sizeof value ? key->length : sizeof value);
    }
    return value;
}

void statistics_remember(struct tracker *tracker) {
    tracker->compared = value_of(map_find(CMAP_MAP_STATS, tracker->key));
}

uint64_t statistics_compare(void) {
    static uint64_t last;
    uint64_t now = now_milliseconds();
    if (last == 0) {
        last = now;
    }
    bool is_time = now - last >= statistics_interval, is_any = false;
    if (is_time) {
        last = now;
    }
    for (struct connection *connection = connections; connection != NULL; connection = connection->next) {
        for (struct tracker *tracker = connection->trackers; tracker != NULL; tracker = tracker->next) {
            if (!is_connected(connection, CMAP_MAP_STATS) || (tracker->type & CMAP_TRACK_PREFIX) != 0) {
                continue;
            }
            is_any = true;
            const struct key *key = map_find(CMAP_MAP_STATS, tracker->key);
            if (is_time && key != NULL && value_of(key) != tracker->compared) {
                tracker->compared = value_of(key);
                notify(connection, tracker, CMAP_TRACK_MODIFY, tracker->key, key, key);
            }
        }
    }
    return is_any ? last + statistics_interval - now : FOREVER;
}

// MARK: changes

void map_set(cmap_map_t map, const char *name, uint32_t type, const void *value, size_t length) {
    struct key *found = map_find(map, name);
    if (found != NULL && found->type == type && found->length == length && memcmp(found->value, value, length) == 0) {
        return;
    }
    struct key *new = malloc(sizeof *new);
    void *copy = malloc(length + 1);
    if (new == NULL || copy == NULL) {
        abort();
    }
    memcpy(copy, value, length);
    *new = (struct key){.name = NULL, .map = map, .type = type, .length = length, .value = copy};
    if (found != NULL) {
        struct key old = *found;
        new->name = old.name;
        *found = *new;
        free(new);
        tell(CMAP_TRACK_MODIFY, map, found->name, found, &old);
        free(old.value);
        return;
    }
    if (key_count == key_room) {
        key_room = key_room == 0 ? 64 : key_room * 2;
        keys = realloc(keys, key_room * sizeof *keys);
    }
    new->name = strdup(name);
    if (keys == NULL || new->name == NULL) {
        abort();
    }
    size_t place = place_of(map, name);
    memmove(keys + place + 1, keys + place, (key_count - place) * sizeof *keys);
    keys[place] = new;
    key_count++;
    tell(CMAP_TRACK_ADD, map, name, new, NULL);
}

bool map_delete(cmap_map_t map, const char *name) {
    size_t place = place_of(map, name);
    if (place >= key_count || compare(map, name, keys[place]) != 0) {
        return false;
    }
    struct key *old = keys[place];
    key_count--;
    memmove(keys + place, keys + place + 1, (key_count - place) * sizeof *keys);
    tell(CMAP_TRACK_DELETE, map, old->name, NULL, old);
    free(old->name);
    free(old->value);
    free(old);
    return true;
}

cmap_map_t map_of(const char *name) {
    return strncmp(name, "stats.", 6) == 0 ? CMAP_MAP_STATS : CMAP_MAP_ICMAP;
}

void map_set_string(const char *name, const char *value) {
    map_set(map_of(name), name, CMAP_VALUETYPE_STRING, value, strlen(value) + 1);
}

void map_set_number(const char *name, uint32_t type, uint64_t value) {
    map_set(map_of(name), name, type, &value, map_size_of(type));
}
