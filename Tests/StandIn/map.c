// SPDX-License-Identifier: MIT

// The maps: keys in order of their names, and notifications of their changes for the connections that track them.

#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static struct key *keys;
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
        if (compare(map, name, &keys[middle]) > 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct key *map_find(cmap_map_t map, const char *name) {
    size_t place = place_of(map, name);
    return place < key_count && compare(map, name, &keys[place]) == 0 ? &keys[place] : NULL;
}

struct key *map_after(cmap_map_t map, const char *name, const char *prefix) {
    size_t place = place_of(map, name != NULL ? name : prefix);
    if (name != NULL && place < key_count && compare(map, name, &keys[place]) == 0) {
        place++;
    }
    if (place >= key_count || keys[place].map != map || strncmp(keys[place].name, prefix, strlen(prefix)) != 0) {
        return NULL;
    }
    return &keys[place];
}

static bool is_tracked(const struct tracker *tracker, cmap_map_t map, const char *name, int32_t change) {
    if ((tracker->type & change) == 0) {
        return false;
    }
    bool is_prefix = (tracker->type & CMAP_TRACK_PREFIX) != 0;
    // Corosync compares statistics only for those who track a single one, and notifies nobody when a key of stats.schedmiss. is added.
    if (map == CMAP_MAP_STATS && (change == CMAP_TRACK_MODIFY ? is_prefix : strncmp(name, "stats.schedmiss.", 16) == 0)) {
        return false;
    }
    return is_prefix ? strncmp(name, tracker->key, strlen(tracker->key)) == 0 : strcmp(name, tracker->key) == 0;
}

static void tell(int32_t change, cmap_map_t map, const char *name, const struct key *new, const struct key *old) {
    if (map == CMAP_MAP_STATS) {
        // Corosync keeps no statistics of before: both values are the one that it has.
        new = old = new != NULL ? new : old;
    }
    for (struct connection *connection = connections; connection != NULL; connection = connection->next) {
        if (connection->service != SERVICE_CMAP || connection->map != map || connection->finalized) {
            continue;
        }
        for (struct tracker *tracker = connection->trackers; tracker != NULL; tracker = tracker->next) {
            if (!is_tracked(tracker, map, name, change)) {
                continue;
            }
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
    }
}

void map_set(cmap_map_t map, const char *name, uint32_t type, const void *value, size_t length) {
    struct key *found = map_find(map, name);
    if (found != NULL && found->type == type && found->length == length && memcmp(found->value, value, length) == 0) {
        return;
    }
    struct key new = {.name = NULL, .map = map, .type = type, .length = length, .value = malloc(length + 1)};
    if (new.value == NULL) {
        abort();
    }
    memcpy(new.value, value, length);
    if (found != NULL) {
        struct key old = *found;
        new.name = old.name;
        *found = new;
        tell(CMAP_TRACK_MODIFY, map, new.name, &new, &old);
        free(old.value);
        return;
    }
    if (key_count == key_room) {
        key_room = key_room == 0 ? 64 : key_room * 2;
        keys = realloc(keys, key_room * sizeof *keys);
    }
    new.name = strdup(name);
    if (keys == NULL || new.name == NULL) {
        abort();
    }
    size_t place = place_of(map, name);
    memmove(keys + place + 1, keys + place, (key_count - place) * sizeof *keys);
    keys[place] = new;
    key_count++;
    tell(CMAP_TRACK_ADD, map, new.name, &new, NULL);
    if (map == CMAP_MAP_STATS) {
        // Corosync compares the value of a key that is tracked alone with 0 if it did not exist before.
        tell(CMAP_TRACK_MODIFY, map, new.name, &new, NULL);
    }
}

bool map_delete(cmap_map_t map, const char *name) {
    struct key *found = map_find(map, name);
    if (found == NULL) {
        return false;
    }
    struct key old = *found;
    size_t place = (size_t)(found - keys);
    memmove(found, found + 1, (key_count - place - 1) * sizeof *keys);
    key_count--;
    tell(CMAP_TRACK_DELETE, map, old.name, NULL, &old);
    free(old.name);
    free(old.value);
    return true;
}

void map_set_string(const char *name, const char *value) {
    map_set(CMAP_MAP_ICMAP, name, CMAP_VALUETYPE_STRING, value, strlen(value) + 1);
}

void map_set_u32(const char *name, uint32_t value) {
    map_set(CMAP_MAP_ICMAP, name, CMAP_VALUETYPE_UINT32, &value, sizeof value);
}
