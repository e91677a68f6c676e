// SPDX-License-Identifier: MIT

// Makes the calls named on its command line, in order, and prints what came back: `standin-probe init track=2 all`.
// It is linked with the real libraries; the stand-in is preloaded.

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

static void on_nodelist(votequorum_handle_t handle, uint64_t context, votequorum_ring_id_t ring, uint32_t entries,
                        uint32_t list[]) {
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
    if (error == CS_OK) {
        unsigned char *value = malloc(length + 1);
        error = cmap_get(map, name, value, &length, &type);
        if (error == CS_OK) {
            printf("get %s: ", name);
            show_value(type, value, length);
            printf("\n");
            free(value);
            return;
        }
        free(value);
    }
    printf("get %s: %s\n", name, cs_strerror(error));
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

static bool votequorum_action(const char *word) {
    const char *value;
    int descriptor = -1;
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
    } else if (strcmp(word, "all") == 0) {
        show("all", votequorum_dispatch(quorum, CS_DISPATCH_ALL));
    } else if (strcmp(word, "one") == 0) {
        show("one", votequorum_dispatch(quorum, CS_DISPATCH_ONE));
    } else if (strcmp(word, "blocking") == 0) {
        show("blocking", votequorum_dispatch(quorum, CS_DISPATCH_BLOCKING));
    } else if (strcmp(word, "nonblocking") == 0) {
        show("nonblocking", votequorum_dispatch(quorum, CS_DISPATCH_ONE_NONBLOCKING));
    } else if ((value = argument(word, "dispatch")) != NULL) {
        show("dispatch", votequorum_dispatch(quorum, (cs_dispatch_flags_t)atoi(value)));
    } else if ((value = argument(word, "info")) != NULL) {
        information((unsigned)atoi(value));
    } else if ((value = argument(word, "register")) != NULL) {
        show("register", votequorum_qdevice_register(quorum, value));
    } else if ((value = argument(word, "unregister")) != NULL) {
        show("unregister", votequorum_qdevice_unregister(quorum, value));
    } else if ((value = argument(word, "vote")) != NULL) {
        show("vote", votequorum_qdevice_poll(quorum, value, 1, (votequorum_ring_id_t){.nodeid = 1, .seq = 0x22}));
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

static cs_error_t track(const char *key, int32_t changes) {
    static intptr_t trackers;
    cmap_track_handle_t tracker;
    return cmap_track_add(map, key, changes, on_key, (void *)++trackers, &tracker);
}

static bool cmap_action(const char *word) {
    const char *value;
    int descriptor = -1;
    const int32_t every = CMAP_TRACK_ADD | CMAP_TRACK_MODIFY | CMAP_TRACK_DELETE;
    if (strcmp(word, "map") == 0) {
        show("map", cmap_initialize(&map));
    } else if ((value = argument(word, "map")) != NULL) {
        show("map", cmap_initialize_map(&map, (cmap_map_t)atoi(value)));
    } else if (strcmp(word, "map-finalize") == 0) {
        show("map-finalize", cmap_finalize(map));
    } else if ((value = argument(word, "iterate")) != NULL) {
        iterate(value);
    } else if ((value = argument(word, "get")) != NULL) {
        get(value);
    } else if ((value = argument(word, "get-u32")) != NULL) {
        uint32_t number = 0;
        cs_error_t error = cmap_get_uint32(map, value, &number);
        printf("get-u32 %s: %s %u\n", value, cs_strerror(error), number);
    } else if ((value = argument(word, "get-string")) != NULL) {
        char *text = NULL;
        cs_error_t error = cmap_get_string(map, value, &text);
        printf("get-string %s: %s %s\n", value, cs_strerror(error), error == CS_OK ? text : "-");
        if (error == CS_OK) {
            free(text);
        }
    } else if ((value = argument(word, "set-u32")) != NULL) {
        show("set-u32", cmap_set_uint32(map, value, 7));
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
    } else if (strcmp(word, "map-all") == 0) {
        show("map-all", cmap_dispatch(map, CS_DISPATCH_ALL));
    } else if (strcmp(word, "map-nonblocking") == 0) {
        show("map-nonblocking", cmap_dispatch(map, CS_DISPATCH_ONE_NONBLOCKING));
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
        if (!votequorum_action(word) && !cmap_action(word) && !own_action(word)) {
            fprintf(stderr, "standin-probe: unknown action %s\n", word);
            return 64;
        }
    }
    return 0;
}
