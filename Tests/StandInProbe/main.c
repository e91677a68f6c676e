// SPDX-License-Identifier: MIT

// Makes the calls named on its command line, in order, and prints what came back: `standin-probe init track=2 all`.
// It is linked with the real libraries, in whose place the stand-in can be preloaded: the same calls give the same lines.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <corosync/cmap.h>
#include <corosync/corotypes.h>
#include <corosync/votequorum.h>

static votequorum_handle_t quorum;
static cmap_handle_t map;
static bool quiet, ask, finalize_in_callback;
static unsigned callbacks;
static char shutdown_after[16];
// Of the last nodelist.
static votequorum_ring_id_t ring;

static void show(const char *name, cs_error_t error) { printf("%s: %s\n", name, cs_strerror(error)); }

static void sleep_milliseconds(long milliseconds) {
    struct timespec time = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static void information(unsigned node) {
    struct votequorum_info info;
    cs_error_t error = votequorum_getinfo(quorum, node, &info);
    if (error != CS_OK) {
        printf("info %u: %s\n", node, cs_strerror(error));
        return;
    }
    printf("info %u: node=%u state=%u votes=%u expected=%u highest=%u total=%u quorum=%u flags=%u qdevice=%u \"%.*s\"\n",
           node, info.node_id, info.node_state, info.node_votes, info.node_expected_votes, info.highest_expected,
           info.total_votes, info.quorum, info.flags, info.qdevice_votes, (int)sizeof info.qdevice_name,
           info.qdevice_name);
}

// Calls any function of the libraries by its name, only to see it fail: what it is given is somewhere in a buffer.
static void call(const char *name) {
    static char buffer[2048] = "x";
    cs_error_t (*function)(uint64_t, void *, void *, void *, void *, void *) = dlsym(RTLD_DEFAULT, name);
    if (function == NULL) {
        printf("%s: none\n", name);
        return;
    }
    void *second = strstr(name, "_dispatch") != NULL ? (void *)CS_DISPATCH_ALL : buffer;
    printf("%s: %d\n", name, function(0, second, buffer, buffer, buffer, buffer));
}

static void called(void) {
    callbacks++;
    if (ask) {
        information(0);
    }
    if (finalize_in_callback) {
        show("finalize", votequorum_finalize(quorum));
    }
}

static void on_quorum(votequorum_handle_t handle, uint64_t context, uint32_t quorate, uint32_t entries,
                      votequorum_node_t list[]) {
    if (!quiet) {
        printf("- quorum %u context=%llu handle=%d", quorate, (unsigned long long)context, handle == quorum);
        for (uint32_t index = 0; index < entries; index++) {
            printf(" %u=%u", list[index].nodeid, list[index].state);
        }
        printf("\n");
    }
    called();
}

static void on_nodelist(votequorum_handle_t handle, uint64_t context, votequorum_ring_id_t ring_id, uint32_t entries,
                        uint32_t list[]) {
    ring = ring_id;
    if (!quiet) {
        printf("- nodelist %x.%llx context=%llu handle=%d", ring.nodeid, (unsigned long long)ring.seq,
               (unsigned long long)context, handle == quorum);
        for (uint32_t index = 0; index < entries; index++) {
            printf(" %u", list[index]);
        }
        printf("\n");
    }
    called();
}

static void on_expected(votequorum_handle_t handle, uint64_t context, uint32_t expected) {
    if (!quiet) {
        printf("- expected %u context=%llu handle=%d\n", expected, (unsigned long long)context, handle == quorum);
    }
    called();
}

static void show_value(cmap_value_types_t type, const void *data, size_t length) {
    printf("type=%d length=%zu", (int)type, length);
    const unsigned char *bytes = data;
    for (size_t index = 0; index < length && index < 16; index++) {
        printf("%s%02x", index == 0 ? " " : "", bytes[index]);
    }
}

static void on_key(cmap_handle_t handle, cmap_track_handle_t track, int32_t event, const char *name,
                   struct cmap_notify_value new_value, struct cmap_notify_value old_value, void *user_data) {
    (void)track;
    callbacks++;
    if (quiet) {
        return;
    }
    printf("- key %s event=%d data=%d handle=%d new ", name, event, (int)(intptr_t)user_data, handle == map);
    show_value(new_value.type, new_value.data, new_value.len);
    printf(" old ");
    show_value(old_value.type, old_value.data, old_value.len);
    printf("\n");
}

static void *shut_down(void *unused) {
    (void)unused;
    sleep_milliseconds(atol(shutdown_after));
    int descriptor;
    if (votequorum_fd_get(quorum, &descriptor) == CS_OK) {
        shutdown(descriptor, SHUT_RDWR);
    }
    return NULL;
}

static void iterate(const char *prefix) {
    cmap_iter_handle_t iterator;
    cs_error_t error = cmap_iter_init(map, prefix, &iterator);
    if (error != CS_OK) {
        show("iter_init", error);
        return;
    }
    char name[CMAP_KEYNAME_MAXLEN + 1];
    size_t length;
    cmap_value_types_t type;
    while ((error = cmap_iter_next(map, iterator, name, &length, &type)) == CS_OK) {
        printf("- %s type=%d length=%zu\n", name, (int)type, length);
    }
    show("iter_next", error);
    show("iter_finalize", cmap_iter_finalize(map, iterator));
}

static void get(const char *name) {
    size_t length = 0;
    cmap_value_types_t type;
    cs_error_t error = cmap_get(map, name, NULL, &length, &type);
    unsigned char *value = malloc(length + 1);
    if (error == CS_OK) {
        error = cmap_get(map, name, value, &length, &type);
    }
    if (error == CS_OK) {
        printf("get %s: ", name);
        show_value(type, value, length);
        printf("\n");
    } else {
        printf("get %s: %s\n", name, cs_strerror(error));
    }
    free(value);
}

static void get_with_one_byte(const char *name) {
    char value;
    size_t length = sizeof value;
    cmap_value_types_t type;
    show("get-byte", cmap_get(map, name, &value, &length, &type));
}

// "KEY:TYPE:BYTES", the bytes in hexadecimal.
static void set(const char *assignment) {
    char name[CMAP_KEYNAME_MAXLEN + 1], digits[64] = "";
    unsigned char value[32];
    int type;
    sscanf(assignment, "%255[^:]:%d:%63s", name, &type, digits);
    size_t length = strlen(digits) / 2;
    for (size_t index = 0; index < length; index++) {
        sscanf(digits + 2 * index, "%2hhx", &value[index]);
    }
    show("set", cmap_set(map, name, value, length, (cmap_value_types_t)type));
}

// Not ru_maxrss: that begins with the peak of the program that started this one.
static long peak_kilobytes(void) {
    char line[256];
    long peak = -1;
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        sscanf(line, "VmHWM: %ld", &peak);
    }
    if (file != NULL) {
        fclose(file);
    }
    return peak;
}

static void wait_for(int descriptor, int milliseconds) {
    struct pollfd poller = {.fd = descriptor, .events = POLLIN};
    int ready = poll(&poller, 1, milliseconds);
    printf("poll: %d%s%s\n", ready, ready > 0 && (poller.revents & POLLIN) != 0 ? " POLLIN" : "",
           ready > 0 && (poller.revents & POLLHUP) != 0 ? " POLLHUP" : "");
}

// `name=value`: the value.
static const char *argument(const char *word, const char *name) {
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static bool dispatch_action(const char *word) {
    static const char *const modes[] = {"", "one", "all", "blocking", "nonblocking", "bad"};
    for (int mode = CS_DISPATCH_ONE; mode < (int)(sizeof modes / sizeof *modes); mode++) {
        if (strcmp(word, modes[mode]) == 0) {
            show(word, votequorum_dispatch(quorum, (cs_dispatch_flags_t)mode));
            return true;
        }
        if (strncmp(word, "map-", 4) == 0 && strcmp(word + 4, modes[mode]) == 0) {
            show(word, cmap_dispatch(map, (cs_dispatch_flags_t)mode));
            return true;
        }
    }
    return false;
}

static bool votequorum_action(const char *word) {
    const char *value;
    int descriptor = -1;
    unsigned node, votes;
    if (strcmp(word, "init") == 0) {
        votequorum_callbacks_t wanted = {.votequorum_quorum_notify_fn = on_quorum,
                                         .votequorum_expectedvotes_notify_fn = on_expected,
                                         .votequorum_nodelist_notify_fn = on_nodelist};
        show("init", votequorum_initialize(&quorum, &wanted));
    } else if (strcmp(word, "finalize") == 0) {
        show("finalize", votequorum_finalize(quorum));
    } else if ((value = argument(word, "track")) != NULL) {
        show("track", votequorum_trackstart(quorum, 77, (unsigned)atoi(value)));
    } else if (strcmp(word, "stop") == 0) {
        show("stop", votequorum_trackstop(quorum));
    } else if ((value = argument(word, "info")) != NULL) {
        information((unsigned)atoi(value));
    } else if ((value = argument(word, "expect")) != NULL) {
        show("expect", votequorum_setexpected(quorum, (unsigned)atoi(value)));
    } else if (sscanf(word, "votes=%u:%u", &node, &votes) == 2) {
        show("votes", votequorum_setvotes(quorum, node, votes));
    } else if (strcmp(word, "context") == 0) {
        void *context = NULL;
        show("context-set", votequorum_context_set(quorum, &ring));
        show("context-get", votequorum_context_get(quorum, &context));
        printf("context: %d\n", context == &ring);
    } else if ((value = argument(word, "register")) != NULL) {
        show("register", votequorum_qdevice_register(quorum, value));
    } else if ((value = argument(word, "unregister")) != NULL) {
        show("unregister", votequorum_qdevice_unregister(quorum, value));
    } else if ((value = argument(word, "rename")) != NULL) {
        show("rename", votequorum_qdevice_update(quorum, value, "New"));
    } else if ((value = argument(word, "vote")) != NULL) {
        show("vote", votequorum_qdevice_poll(quorum, value, 1, ring));
    } else if ((value = argument(word, "master")) != NULL) {
        show("master", votequorum_qdevice_master_wins(quorum, value, 1));
    } else if ((value = argument(word, "poll")) != NULL) {
        show("fd", votequorum_fd_get(quorum, &descriptor));
        wait_for(descriptor, atoi(value));
    } else if ((value = argument(word, "shutdown-after")) != NULL) {
        snprintf(shutdown_after, sizeof shutdown_after, "%s", value);
        pthread_t thread;
        pthread_create(&thread, NULL, shut_down, NULL);
        pthread_detach(thread);
    } else {
        return false;
    }
    return true;
}

static cmap_track_handle_t tracker;

static cs_error_t track(const char *key, int32_t changes) {
    static intptr_t trackers;
    return cmap_track_add(map, key[0] != '\0' ? key : NULL, changes, on_key, (void *)++trackers, &tracker);
}

static bool cmap_action(const char *word) {
    const char *value;
    int descriptor = -1;
    const int32_t every = CMAP_TRACK_ADD | CMAP_TRACK_MODIFY | CMAP_TRACK_DELETE;
    if ((value = argument(word, "map")) != NULL) {
        show("map", cmap_initialize_map(&map, (cmap_map_t)atoi(value)));
    } else if (strcmp(word, "map-finalize") == 0) {
        show("map-finalize", cmap_finalize(map));
    } else if (strcmp(word, "map-context") == 0) {
        const void *context = NULL;
        show("map-context-set", cmap_context_set(map, &ring));
        show("map-context-get", cmap_context_get(map, &context));
        printf("map-context: %d\n", context == &ring);
    } else if ((value = argument(word, "iterate")) != NULL) {
        iterate(value);
    } else if ((value = argument(word, "get")) != NULL) {
        get(value);
    } else if ((value = argument(word, "get-byte")) != NULL) {
        get_with_one_byte(value);
    } else if ((value = argument(word, "set")) != NULL) {
        set(value);
    } else if ((value = argument(word, "inc")) != NULL) {
        show("inc", cmap_inc(map, value));
    } else if ((value = argument(word, "dec")) != NULL) {
        show("dec", cmap_dec(map, value));
    } else if ((value = argument(word, "delete")) != NULL) {
        show("delete", cmap_delete(map, value));
    } else if ((value = argument(word, "track-prefix")) != NULL) {
        show("track-prefix", track(value, every | CMAP_TRACK_PREFIX));
    } else if ((value = argument(word, "track-changes")) != NULL) {
        show("track-changes", track(value, CMAP_TRACK_MODIFY | CMAP_TRACK_PREFIX));
    } else if ((value = argument(word, "track-key")) != NULL) {
        show("track-key", track(value, every));
    } else if ((value = argument(word, "track-bad")) != NULL) {
        show("track-bad", track(value, 64));
    } else if (strcmp(word, "untrack") == 0) {
        show("untrack", cmap_track_delete(map, tracker));
    } else if ((value = argument(word, "map-poll")) != NULL) {
        show("map-fd", cmap_fd_get(map, &descriptor));
        wait_for(descriptor, atoi(value));
    } else {
        return false;
    }
    return true;
}

static void ignore(int signal) { (void)signal; }

static bool own_action(const char *word) {
    const char *value;
    if (strcmp(word, "quiet") == 0) {
        quiet = true;
    } else if (strcmp(word, "ask") == 0) {
        ask = true;
    } else if (strcmp(word, "finalize-in-callback") == 0) {
        finalize_in_callback = true;
    } else if (strcmp(word, "count") == 0) {
        printf("callbacks: %u\n", callbacks);
    } else if (strcmp(word, "memory") == 0) {
        printf("memory: %s\n", peak_kilobytes() < 16 * 1024 ? "flat" : "grown");
    } else if ((value = argument(word, "call")) != NULL) {
        call(value);
    } else if ((value = argument(word, "sleep")) != NULL) {
        sleep_milliseconds(atol(value));
    } else if ((value = argument(word, "alarm")) != NULL) {
        struct sigaction action = {.sa_handler = ignore};
        sigaction(SIGALRM, &action, NULL);
        ualarm((useconds_t)(atoi(value) * 1000), 0);
    } else {
        return false;
    }
    return true;
}

int main(int count, char **words) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int index = 1; index < count; index++) {
        const char *word = words[index];
        if (!dispatch_action(word) && !votequorum_action(word) && !cmap_action(word) && !own_action(word)) {
            fprintf(stderr, "standin-probe: unknown action %s\n", word);
            return 64;
        }
    }
    return 0;
}
