// SPDX-License-Identifier: MIT

// The script: what the cluster is, which calls fail, and what happens when. README.md describes the records, which are
// only loaded here: `StandIn` in Tests/Support says what is wrong with a script.

#define _GNU_SOURCE
#include <assert.h>
#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

#define FIELDS 7

// One record. A field is a word, and what is a number as well.
struct step {
    const struct statement *statement;
    char *words[FIELDS];
    uint64_t numbers[FIELDS];
    // How far a step that takes time has come.
    uint64_t progress;
};

struct statement {
    const char *name;
    size_t fields;
    // One of these: changes the cluster; gives the milliseconds that are still to be waited; makes a notification.
    void (*change)(struct step *step);
    uint64_t (*wait)(struct step *step);
    void (*notify)(struct step *step, struct event *event);
    // What `set` changes.
    uint64_t *setting;
};

static void *allocate(size_t size) {
    void *memory = calloc(1, size);
    assert(memory != NULL);
    return memory;
}

// MARK: the cluster

// The name of a key, valid until the next call.
__attribute__((format(printf, 1, 2))) static const char *name_of(const char *format, ...) {
    static char name[CMAP_KEYNAME_MAXLEN + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    return name;
}

static void add_link(uint32_t id, uint32_t link) {
    static const struct {
        const char *name;
        uint32_t type, value;
    } items[] = {
        {"enabled", CMAP_VALUETYPE_UINT8, 1},
        {"connected", CMAP_VALUETYPE_UINT8, 1},
        {"mtu", CMAP_VALUETYPE_UINT32, 1446},
        {"latency_ave", CMAP_VALUETYPE_UINT32, 100},
        {"latency_samples", CMAP_VALUETYPE_UINT32, 8},
        {"down_count", CMAP_VALUETYPE_UINT32, 0},
        {"up_count", CMAP_VALUETYPE_UINT32, 1},
    };
    for (size_t index = 0; index < sizeof items / sizeof *items; index++) {
        map_set_number(name_of("stats.knet.node%u.link%u.%s", id, link, items[index].name), items[index].type,
                       items[index].value);
    }
}

static void add_nodes(struct step *step) {
    for (uint32_t id = 1; id <= step->numbers[0]; id++) {
        cluster_add(id);
        char text[64];
        map_set_number(name_of("nodelist.node.%u.nodeid", id - 1), CMAP_VALUETYPE_UINT32, id);
        snprintf(text, sizeof text, "node%u", id);
        map_set_string(name_of("nodelist.node.%u.name", id - 1), text);
        snprintf(text, sizeof text, "10.%u.%u.%u", id >> 16, (id >> 8) & 255, id & 255);
        map_set_string(name_of("nodelist.node.%u.ring0_addr", id - 1), text);
        map_set_number(name_of("runtime.members.%u.config_version", id), CMAP_VALUETYPE_UINT64, 1);
        map_set_number(name_of("runtime.members.%u.join_count", id), CMAP_VALUETYPE_UINT32, 1);
        map_set_string(name_of("runtime.members.%u.status", id), "joined");
        for (uint32_t link = 0; link < step->numbers[1]; link++) {
            add_link(id, link);
        }
    }
}

static void change_node(struct step *step) {
    struct node *node = cluster_add((uint32_t)step->numbers[0]);
    uint64_t *const fields[] = {&node->state, &node->votes, &node->expected, &node->flags};
    for (size_t index = 0; index < 4; index++) {
        if (step->numbers[index + 1] != NONE) {
            *fields[index] = step->numbers[index + 1];
        }
    }
}

static void set(struct step *step) { *step->statement->setting = step->numbers[0]; }

// Bytes are two hexadecimal digits each; "none" is none. Returns how many there are.
static size_t decode(const char *digits, char *bytes, size_t room) {
    size_t count = 0;
    for (; isxdigit((unsigned char)digits[0]) && count < room; digits += 2) {
        int high = digits[0] % 16 + (digits[0] > '9' ? 9 : 0), low = digits[1] % 16 + (digits[1] > '9' ? 9 : 0);
        bytes[count++] = (char)(high * 16 + low);
    }
    return count;
}

static void change_qdevice(struct step *step) {
    memset(cluster.qdevice_name, 0, sizeof cluster.qdevice_name);
    // A name of 255 bytes fills the field and has no end: struct votequorum_info allows it.
    cluster.qdevice_registered = decode(step->words[0], cluster.qdevice_name, sizeof cluster.qdevice_name) > 0;
    cluster.qdevice_votes = (uint32_t)step->numbers[1];
    cluster_mark_local(QDEVICE_BITS, false);
    cluster_mark_local(QDEVICE_BITS & ~VOTEQUORUM_INFO_QDEVICE_MASTER_WINS, cluster.qdevice_registered);
}

static void set_key(struct step *step) {
    size_t room = strlen(step->words[2]);
    char *value = allocate(room);
    size_t length = decode(step->words[2], value, room);
    map_set(map_of(step->words[0]), step->words[0], (uint32_t)step->numbers[1], value, length);
    free(value);
}

static void delete_key(struct step *step) { map_delete(map_of(step->words[0]), step->words[0]); }

// MARK: faults

struct fault *faults;

static void add_fault(struct step *step) {
    struct fault *fault = allocate(sizeof *fault);
    while (fault->call < CALL_COUNT && strcmp(counter_names[GAUGE_COUNT + fault->call] + 5, step->words[0]) != 0) {
        fault->call++;
    }
    assert(fault->call < CALL_COUNT);
    fault->kind = step->statement->name[0];
    fault->first = step->numbers[1];
    fault->value = step->numbers[2];
    fault->times = step->numbers[3];
    fault->node = step->numbers[4];
    fault->key = strcmp(step->words[5], "none") == 0 ? NULL : step->words[5];
    struct fault **link = &faults;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = fault;
}

static void mend(struct step *step) {
    (void)step;
    // Not freed: a delayed call still reads its fault.
    faults = NULL;
}

static void hang_up(struct step *step) {
    for (struct connection *connection = connections; connection != NULL; connection = connection->next) {
        if (strcmp(step->words[0], "all") == 0 ||
            strcmp(step->words[0], connection->service == SERVICE_CMAP ? "cmap" : "votequorum") == 0) {
            connection_hang_up(connection);
            connection->tracking = false;
        }
    }
}

// MARK: waiting

static uint64_t wait_for_time(struct step *step) {
    uint64_t now = now_milliseconds();
    if (step->progress == 0) {
        step->progress = now + step->numbers[0];
        wake_daemon();
    }
    return now < step->progress ? step->progress - now : 0;
}

// Nothing tells when a file grows, so that it is looked at now and then.
#define GATE_INTERVAL 2

static uint64_t wait_for_gate(struct step *step) {
    static uint64_t passed;
    if (step->progress == 0) {
        step->progress = ++passed;
        wake_daemon();
    }
    const char *gate = getenv("VQ_STANDIN_GATE");
    assert(gate != NULL);
    struct stat status;
    return stat(gate, &status) == 0 && (uint64_t)status.st_size >= step->progress ? 0 : GATE_INTERVAL;
}

// MARK: notifications

// "1,2,3", or "1=1,2=3" for the pairs of a votequorum_node_t, or "none".
static size_t read_list(const char *text, uint32_t *numbers) {
    size_t count = 0;
    for (char *end; isdigit((unsigned char)*text); text = *end == '\0' ? end : end + 1) {
        numbers[count++] = (uint32_t)strtoul(text, &end, 10);
    }
    return count;
}

static void make_nodelist(struct step *step, struct event *event) {
    const char *ring = step->words[0], *list = step->words[1];
    if (strcmp(ring, "next") == 0) {
        cluster.ring.seq += 4;
    } else if (strcmp(ring, "same") != 0) {
        char *end;
        cluster.ring.nodeid = (uint32_t)strtoul(ring, &end, 16);
        cluster.ring.seq = strtoull(end + 1, NULL, 16);
    }
    event_nodelist(event);
    if (strcmp(list, "all") != 0) {
        event->entries = (uint32_t)read_list(list, (uint32_t *)event->data);
        event->size = sizeof *event + event->entries * sizeof(uint32_t);
    }
}

static void make_quorum(struct step *step, struct event *event) {
    const char *list = step->words[1];
    votequorum_node_t *given = (votequorum_node_t *)event->data;
    bool all = strcmp(list, "all") == 0;
    size_t count = all ? 0 : read_list(list, (uint32_t *)given) / 2;
    for (size_t index = 0; index < count; index++) {
        struct node *node = cluster_find(given[index].nodeid);
        if (node != NULL) {
            node->state = given[index].state;
        }
    }
    if (step->numbers[0] != SAME) {
        cluster.quorate = step->numbers[0];
    }
    event_quorum(event);
    if (!all) {
        read_list(list, (uint32_t *)given);
        event->entries = (uint32_t)count;
        event->size = sizeof *event + count * sizeof *given;
    }
}

static void make_expected(struct step *step, struct event *event) {
    if (step->numbers[0] != SAME) {
        cluster_expect((uint32_t)step->numbers[0]);
    }
    event_expected(event);
}

// The last node goes and comes: a nodelist while its state is still the old one, then the quorum notification.
static void make_alternate(uint64_t turn, struct event *event) {
    struct node *node = &cluster.nodes[cluster.node_count - 1];
    uint32_t before = node->state;
    node->state = turn % 4 < 2 ? VOTEQUORUM_NODESTATE_DEAD : VOTEQUORUM_NODESTATE_MEMBER;
    if (turn % 2 == 1) {
        event_quorum(event);
    } else {
        cluster.ring.seq += 4;
        event_nodelist(event);
        node->state = before;
    }
}

static void make_flood(struct step *step, struct event *event) {
    if (strcmp(step->words[1], "alternate") == 0) {
        make_alternate(step->progress, event);
    } else if (strcmp(step->words[1], "expected") == 0) {
        cluster_expect(cluster_expected() + (step->progress % 2 == 0 ? 1 : UINT32_MAX));
        event_expected(event);
    } else {
        event_quorum(event);
    }
}

// MARK: loading

static void begin_timeline(struct step *step);

static const struct statement statements[] = {
    {"nodes", 2, .change = add_nodes},
    {"node", 5, .change = change_node},
    {"flags", 1, .change = set, .setting = &cluster.flags},
    {"quorate", 1, .change = set, .setting = &cluster.quorate},
    {"total", 1, .change = set, .setting = &cluster.total},
    {"highest", 1, .change = set, .setting = &cluster.highest},
    {"threshold", 1, .change = set, .setting = &cluster.threshold},
    {"expected-votes", 1, .change = set, .setting = &cluster.expected},
    {"qdevice", 2, .change = change_qdevice},
    {"key", 3, .change = set_key},
    {"key-delete", 1, .change = delete_key},
    {"statistics-interval", 1, .change = set, .setting = &statistics_interval},
    {"fail", 6, .change = add_fault},
    {"delay", 6, .change = add_fault},
    {"hang", 6, .change = add_fault},
    {"mend", 0, .change = mend},
    {"timeline", 0, .change = begin_timeline},
    {"hangup", 1, .change = hang_up},
    {"wait", 1, .wait = wait_for_time},
    {"await", 0, .wait = wait_for_gate},
    {"nodelist", 2, .notify = make_nodelist},
    {"quorum", 2, .notify = make_quorum},
    {"expected", 1, .notify = make_expected},
    {"flood", 2, .notify = make_flood},
};

static struct step *steps;
static size_t step_count, position;
static bool started, in_timeline;

static void begin_timeline(struct step *step) {
    (void)step;
    in_timeline = true;
}

// The fields of a step are in the line, which stays for as long as the program.
static void load(char *line) {
    char *rest, *word = strtok_r(line, " \n", &rest);
    if (word == NULL) {
        return;
    }
    struct step step = {0};
    for (size_t index = 0; index < sizeof statements / sizeof *statements; index++) {
        if (strcmp(statements[index].name, word) == 0) {
            step.statement = &statements[index];
        }
    }
    assert(step.statement != NULL);
    for (size_t index = 0; index < step.statement->fields; index++) {
        step.words[index] = strtok_r(NULL, " \n", &rest);
        assert(step.words[index] != NULL);
        step.numbers[index] = strtoull(step.words[index], NULL, 0);
    }
    assert(strtok_r(NULL, " \n", &rest) == NULL);
    if (in_timeline) {
        steps = realloc(steps, (step_count + 1) * sizeof *steps);
        assert(steps != NULL);
        steps[step_count++] = step;
    } else {
        assert(step.statement->change != NULL);
        step.statement->change(&step);
    }
}

void script_load(void) {
    const char *path = getenv("VQ_STANDIN_SCRIPT");
    assert(path != NULL);
    FILE *file = fopen(path, "re");
    assert(file != NULL);
    map_set_string("totem.cluster_name", "standin");
    map_set_number("totem.config_version", CMAP_VALUETYPE_UINT64, 1);
    map_set_string("quorum.provider", "corosync_votequorum");
    // A membership that was formed once, and nothing else.
    map_set_number("stats.srp.gather_entered", CMAP_VALUETYPE_UINT64, 1);
    map_set_number("stats.srp.operational_entered", CMAP_VALUETYPE_UINT64, 1);
    map_set_number("stats.srp.operational_token_lost", CMAP_VALUETYPE_UINT64, 0);
    map_set_number("stats.srp.consensus_timeouts", CMAP_VALUETYPE_UINT64, 0);
    map_set_number("stats.srp.mcast_retx", CMAP_VALUETYPE_UINT64, 0);
    map_set_number("stats.srp.continuous_gather", CMAP_VALUETYPE_UINT32, 0);
    map_set_number("stats.srp.firewall_enabled_or_nic_failure", CMAP_VALUETYPE_UINT8, 0);
    char *line = NULL;
    for (size_t room = 0; getline(&line, &room, file) >= 0; line = NULL, room = 0) {
        load(line);
    }
    free(line);
    fclose(file);
}

// MARK: the timeline

uint64_t timeline_advance(void) {
    while (started && position < step_count && steps[position].statement->notify == NULL) {
        struct step *step = &steps[position];
        if (step->statement->change != NULL) {
            step->statement->change(step);
        } else {
            uint64_t left = step->statement->wait(step);
            if (left > 0) {
                return left;
            }
        }
        position++;
    }
    return FOREVER;
}

static void *run_daemon(void *unused) {
    (void)unused;
    lock();
    for (;;) {
        uint64_t step = timeline_advance(), comparison = statistics_compare();
        connections_refill();
        wait_for_daemon(step < comparison ? step : comparison);
    }
    return NULL;
}

void timeline_start(void) {
    if (started || step_count == 0) {
        return;
    }
    started = true;
    // The program's signals are for its own threads.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int error = pthread_create(&thread, NULL, run_daemon, NULL);
    assert(error == 0);
    pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

uint64_t timeline_pending(void) {
    if (!started || position >= step_count || steps[position].statement->notify == NULL) {
        return 0;
    }
    const struct step *step = &steps[position];
    return step->statement->notify == make_flood ? step->numbers[0] - step->progress : 1;
}

bool timeline_take(struct event *event, struct connection *taker) {
    uint64_t pending = timeline_pending();
    if (pending == 0) {
        return false;
    }
    memset(event, 0, sizeof *event);
    struct step *step = &steps[position];
    step->statement->notify(step, event);
    step->progress++;
    if (pending == 1) {
        position++;
    }
    event_broadcast(event, taker);
    return true;
}
