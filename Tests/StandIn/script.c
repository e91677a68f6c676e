// SPDX-License-Identifier: MIT

// The script: what the cluster is, which calls fail, and what happens when. README.md describes the language.

#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

struct fault *faults;
struct refusal refusals[SERVICE_COUNT];
bool frozen;

static const char *script_path;
static unsigned script_line;

_Noreturn void script_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "standin: %s:%u: ", script_path != NULL ? script_path : "(no script)", script_line);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _exit(3);
}

// MARK: steps

enum operation {
    // The state.
    OP_CLUSTER,
    OP_NODE,
    OP_NODES,
    OP_LOCAL,
    OP_FLAGS,
    OP_QUORATE,
    OP_TOTAL,
    OP_HIGHEST,
    OP_THRESHOLD,
    OP_EXPECTED_VOTES,
    OP_RING,
    OP_QDEVICE,
    OP_KEY,
    OP_KEY_FILL,
    OP_KEY_DELETE,
    OP_STATS,
    // Faults.
    OP_FAIL,
    OP_DELAY,
    OP_HANG,
    OP_REFUSE,
    // Only in the timeline.
    OP_FIRST_OF_TIMELINE,
    OP_HANGUP = OP_FIRST_OF_TIMELINE,
    OP_FREEZE,
    OP_THAW,
    OP_RELOAD,
    OP_WAIT,
    OP_AWAIT,
    OP_AT,
    OP_MARK,
    OP_REPEAT,
    // Notifications.
    OP_FIRST_NOTIFICATION,
    OP_NODELIST = OP_FIRST_NOTIFICATION,
    OP_QUORUM,
    OP_EXPECTED,
    OP_FLOOD,
    OP_COUNT,
    OP_TIMELINE,
};

static const struct statement {
    const char *name;
    enum operation operation;
    size_t least, most;
} statements[] = {
    {"cluster", OP_CLUSTER, 1, 1},
    {"node", OP_NODE, 1, 99},
    {"nodes", OP_NODES, 1, 1},
    {"local", OP_LOCAL, 1, 1},
    {"flags", OP_FLAGS, 1, 1},
    {"quorate", OP_QUORATE, 1, 1},
    {"total", OP_TOTAL, 1, 1},
    {"highest", OP_HIGHEST, 1, 1},
    {"threshold", OP_THRESHOLD, 1, 1},
    {"expected-votes", OP_EXPECTED_VOTES, 1, 1},
    {"ring", OP_RING, 1, 1},
    {"qdevice", OP_QDEVICE, 1, 99},
    {"key", OP_KEY, 3, 3},
    {"key-fill", OP_KEY_FILL, 2, 3},
    {"key-delete", OP_KEY_DELETE, 1, 1},
    {"stats", OP_STATS, 3, 3},
    {"fail", OP_FAIL, 3, 99},
    {"delay", OP_DELAY, 3, 99},
    {"hang", OP_HANG, 2, 99},
    {"refuse", OP_REFUSE, 1, 3},
    {"timeline", OP_TIMELINE, 0, 0},
    {"hangup", OP_HANGUP, 0, 1},
    {"freeze", OP_FREEZE, 0, 0},
    {"thaw", OP_THAW, 0, 0},
    {"reload", OP_RELOAD, 0, 1},
    {"wait", OP_WAIT, 1, 1},
    {"await", OP_AWAIT, 2, 2},
    {"at", OP_AT, 1, 1},
    {"mark", OP_MARK, 0, 0},
    {"repeat", OP_REPEAT, 0, 1},
    {"nodelist", OP_NODELIST, 0, 2},
    {"quorum", OP_QUORUM, 1, 2},
    {"expected", OP_EXPECTED, 1, 1},
    {"flood", OP_FLOOD, 1, 3},
};

// What can be left out keeps what it was.
struct choice {
    bool given;
    uint64_t value;
};

enum list { LIST_ALL, LIST_GIVEN };
enum flood { FLOOD_QUORUM, FLOOD_NODELIST, FLOOD_EXPECTED, FLOOD_MIXED, FLOOD_ALTERNATE };

struct step {
    // Every step there is, so that nothing of the script looks like a leak.
    struct step *next;
    enum operation operation;
    unsigned line;
    // The whole line, and the words behind the statement.
    struct bytes *line_words;
    struct bytes *words;
    size_t word_count;

    struct choice number;
    bool automatic;
    struct choice votes, expected, state, flags, configured;
    uint64_t first, last;
    struct bytes *name, *addresses;
    bool everywhere;
    votequorum_ring_id_t ring;
    bool ring_given;
    enum list list;
    votequorum_node_t *pairs;
    size_t pair_count;
    enum flood flood;
    uint32_t type;
    void *value;
    size_t length;
    struct fault *fault;
    bool services[SERVICE_COUNT];
    uint64_t error;
    uint64_t progress;
};

// MARK: reading words

static void *allocate(size_t size) {
    void *memory = calloc(1, size == 0 ? 1 : size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static int hex_digit(char character) {
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character >= 'a' && character <= 'f') {
        return character - 'a' + 10;
    }
    return character >= 'A' && character <= 'F' ? character - 'A' + 10 : -1;
}

// Splits a line at blanks; "…" holds them together; \xNN, \n, \t, \s (a blank), \", \#, \\ are understood everywhere.
static struct bytes *split(const char *line, size_t *count) {
    struct bytes *words = NULL;
    *count = 0;
    for (;;) {
        while (*line == ' ' || *line == '\t' || *line == '\r') {
            line++;
        }
        if (*line == '\0' || *line == '#') {
            return words;
        }
        struct bytes word = {.data = allocate(strlen(line) + 1), .length = 0};
        bool quoted = false;
        while (*line != '\0' && (quoted || (*line != ' ' && *line != '\t' && *line != '\r'))) {
            if (*line == '"') {
                quoted = !quoted;
                line++;
                continue;
            }
            char character = *line++;
            if (character == '\\') {
                character = *line++;
                switch (character) {
                case 'n': character = '\n'; break;
                case 't': character = '\t'; break;
                case 's': character = ' '; break;
                case '"':
                case '#':
                case '\\': break;
                case 'x': {
                    int high = hex_digit(line[0]), low = high < 0 ? -1 : hex_digit(line[1]);
                    if (low < 0) {
                        script_error("\\x needs two hexadecimal digits");
                    }
                    character = (char)(high * 16 + low);
                    line += 2;
                    break;
                }
                default: script_error("unknown escape");
                }
            }
            word.data[word.length++] = character;
        }
        if (quoted) {
            script_error("a quotation mark is not closed");
        }
        words = realloc(words, (*count + 1) * sizeof *words);
        if (words == NULL) {
            abort();
        }
        words[(*count)++] = word;
    }
}

static bool is(const struct bytes *word, const char *text) {
    return word->length == strlen(text) && memcmp(word->data, text, word->length) == 0;
}

static const char *text_of(const struct bytes *word) {
    if (strlen(word->data) != word->length) {
        script_error("a NUL is possible only in the value of a key");
    }
    return word->data;
}

static uint64_t number_of(const char *text, uint64_t most) {
    char *end;
    errno = 0;
    uint64_t number = strtoull(text, &end, 0);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number > most) {
        script_error("\"%s\" is not a number up to %llu", text, (unsigned long long)most);
    }
    return number;
}

static uint64_t count_of(const char *text) {
    return strcmp(text, "forever") == 0 ? FOREVER : number_of(text, FOREVER - 1);
}

static votequorum_ring_id_t ring_of(const char *text) {
    char *end;
    errno = 0;
    uint64_t node = strtoull(text, &end, 16);
    if (hex_digit(text[0]) < 0 || *end != '.' || hex_digit(end[1]) < 0 || node > UINT32_MAX) {
        script_error("\"%s\" is not a ring ID: NODE.SEQ in hexadecimal", text);
    }
    uint64_t sequence = strtoull(end + 1, &end, 16);
    if (*end != '\0' || errno != 0) {
        script_error("\"%s\" is not a ring ID: NODE.SEQ in hexadecimal", text);
    }
    return (votequorum_ring_id_t){.nodeid = (uint32_t)node, .seq = sequence};
}

struct named {
    const char *name;
    uint64_t value;
};

static uint64_t lookup(const struct named *names, const char *text) {
    for (; names->name != NULL; names++) {
        if (strcmp(names->name, text) == 0) {
            return names->value;
        }
    }
    return number_of(text, UINT32_MAX);
}

static const struct named states[] = {
    {"member", VOTEQUORUM_NODESTATE_MEMBER},
    {"dead", VOTEQUORUM_NODESTATE_DEAD},
    {"leaving", VOTEQUORUM_NODESTATE_LEAVING},
    {"absent", STATE_ABSENT},
    {NULL, 0},
};

static const struct named flag_names[] = {
    {"none", 0},
    {"twonode", VOTEQUORUM_INFO_TWONODE},
    {"quorate", VOTEQUORUM_INFO_QUORATE},
    {"wait_for_all", VOTEQUORUM_INFO_WAIT_FOR_ALL},
    {"last_man_standing", VOTEQUORUM_INFO_LAST_MAN_STANDING},
    {"auto_tie_breaker", VOTEQUORUM_INFO_AUTO_TIE_BREAKER},
    {"allow_downscale", VOTEQUORUM_INFO_ALLOW_DOWNSCALE},
    {"registered", VOTEQUORUM_INFO_QDEVICE_REGISTERED},
    {"alive", VOTEQUORUM_INFO_QDEVICE_ALIVE},
    {"cast_vote", VOTEQUORUM_INFO_QDEVICE_CAST_VOTE},
    {"master_wins", VOTEQUORUM_INFO_QDEVICE_MASTER_WINS},
    {NULL, 0},
};

#define ERROR_NAME(name) {#name, name}
static const struct named error_names[] = {
    ERROR_NAME(CS_ERR_LIBRARY),
    ERROR_NAME(CS_ERR_VERSION),
    ERROR_NAME(CS_ERR_INIT),
    ERROR_NAME(CS_ERR_TIMEOUT),
    ERROR_NAME(CS_ERR_TRY_AGAIN),
    ERROR_NAME(CS_ERR_INVALID_PARAM),
    ERROR_NAME(CS_ERR_NO_MEMORY),
    ERROR_NAME(CS_ERR_BAD_HANDLE),
    ERROR_NAME(CS_ERR_BUSY),
    ERROR_NAME(CS_ERR_ACCESS),
    ERROR_NAME(CS_ERR_NOT_EXIST),
    ERROR_NAME(CS_ERR_NAME_TOO_LONG),
    ERROR_NAME(CS_ERR_EXIST),
    ERROR_NAME(CS_ERR_NO_SPACE),
    ERROR_NAME(CS_ERR_INTERRUPT),
    ERROR_NAME(CS_ERR_NAME_NOT_FOUND),
    ERROR_NAME(CS_ERR_NO_RESOURCES),
    ERROR_NAME(CS_ERR_NOT_SUPPORTED),
    ERROR_NAME(CS_ERR_BAD_OPERATION),
    ERROR_NAME(CS_ERR_FAILED_OPERATION),
    ERROR_NAME(CS_ERR_MESSAGE_ERROR),
    ERROR_NAME(CS_ERR_QUEUE_FULL),
    ERROR_NAME(CS_ERR_QUEUE_NOT_AVAILABLE),
    ERROR_NAME(CS_ERR_BAD_FLAGS),
    ERROR_NAME(CS_ERR_TOO_BIG),
    ERROR_NAME(CS_ERR_NO_SECTIONS),
    ERROR_NAME(CS_ERR_CONTEXT_NOT_FOUND),
    ERROR_NAME(CS_ERR_TOO_MANY_GROUPS),
    ERROR_NAME(CS_ERR_SECURITY),
    {NULL, 0},
};

static const struct named types[] = {
    {"int8", CMAP_VALUETYPE_INT8},     {"uint8", CMAP_VALUETYPE_UINT8},   {"int16", CMAP_VALUETYPE_INT16},
    {"uint16", CMAP_VALUETYPE_UINT16}, {"int32", CMAP_VALUETYPE_INT32},   {"uint32", CMAP_VALUETYPE_UINT32},
    {"int64", CMAP_VALUETYPE_INT64},   {"uint64", CMAP_VALUETYPE_UINT64}, {"float", CMAP_VALUETYPE_FLOAT},
    {"double", CMAP_VALUETYPE_DOUBLE}, {"string", CMAP_VALUETYPE_STRING}, {"binary", CMAP_VALUETYPE_BINARY},
    {NULL, 0},
};

static uint32_t flags_of(const char *text) {
    char *copy = strdup(text), *rest = copy, *part;
    uint32_t flags = 0;
    while ((part = strsep(&rest, ",")) != NULL) {
        flags |= (uint32_t)lookup(flag_names, part);
    }
    free(copy);
    return flags;
}

static uint32_t error_of(const char *text) {
    uint64_t error = lookup(error_names, text);
    if (error == CS_OK) {
        script_error("%s is not an error", text);
    }
    return (uint32_t)error;
}

// `name=value`: the value, or NULL when the word is about something else.
static const char *option(const struct bytes *word, const char *name) {
    size_t length = strlen(name);
    if (word->length <= length || memcmp(word->data, name, length) != 0 || word->data[length] != '=') {
        return NULL;
    }
    return word->data + length + 1;
}

// MARK: statements into steps

static void parse_pairs(struct step *step, const char *text, bool with_states) {
    step->list = LIST_GIVEN;
    if (strcmp(text, "none") == 0) {
        return;
    }
    char *copy = strdup(text), *rest = copy, *part;
    while ((part = strsep(&rest, ",")) != NULL) {
        uint64_t state = VOTEQUORUM_NODESTATE_MEMBER;
        char *equals = strchr(part, '=');
        if (with_states) {
            if (equals == NULL) {
                script_error("\"%s\" is not ID=STATE", part);
            }
            *equals = '\0';
            state = lookup(states, equals + 1);
        }
        step->pairs = realloc(step->pairs, (step->pair_count + 1) * sizeof *step->pairs);
        if (step->pairs == NULL) {
            abort();
        }
        step->pairs[step->pair_count++] =
            (votequorum_node_t){.nodeid = (uint32_t)number_of(part, UINT32_MAX), .state = (uint32_t)state};
    }
    free(copy);
    if (step->pair_count > 100000) {
        script_error("more nodes than a notification can hold");
    }
}

static void parse_node(struct step *step) {
    char *range = strdup(text_of(&step->words[0])), *dash = strchr(range, '-');
    if (dash != NULL) {
        *dash = '\0';
        step->last = number_of(dash + 1, UINT32_MAX);
    }
    step->first = number_of(range, UINT32_MAX);
    step->last = dash != NULL ? step->last : step->first;
    free(range);
    if (step->first == 0 || step->last < step->first || step->last - step->first > 100000) {
        script_error("not a node ID or a range of them");
    }
    for (size_t index = 1; index < step->word_count; index++) {
        struct bytes *word = &step->words[index];
        const char *value = NULL;
        if (option(word, "name") != NULL) {
            text_of(word);
            step->name = word;
        } else if (option(word, "addr") != NULL) {
            text_of(word);
            step->addresses = word;
        } else if ((value = option(word, "votes")) != NULL) {
            step->votes = (struct choice){true, number_of(value, UINT32_MAX)};
        } else if ((value = option(word, "expected")) != NULL) {
            step->expected = (struct choice){true, number_of(value, UINT32_MAX)};
        } else if ((value = option(word, "state")) != NULL) {
            step->state = (struct choice){true, lookup(states, value)};
        } else if ((value = option(word, "flags")) != NULL) {
            step->flags = (struct choice){true, flags_of(value)};
        } else if ((value = option(word, "config")) != NULL) {
            step->configured = (struct choice){true, strcmp(value, "no") != 0};
        } else {
            script_error("node: unknown option \"%s\"", word->data);
        }
    }
}

static void parse_qdevice(struct step *step) {
    for (size_t index = 1; index < step->word_count; index++) {
        const struct bytes *word = &step->words[index];
        const char *value = NULL;
        if ((value = option(word, "votes")) != NULL) {
            step->votes = (struct choice){true, number_of(value, UINT32_MAX)};
        } else if ((value = option(word, "state")) != NULL) {
            step->state = (struct choice){true, lookup(states, value)};
        } else if ((value = option(word, "flags")) != NULL) {
            step->flags = (struct choice){true, flags_of(value)};
        } else if ((value = option(word, "on")) != NULL) {
            step->everywhere = strcmp(value, "all") == 0;
            if (!step->everywhere && strcmp(value, "local") != 0) {
                script_error("qdevice: on=all or on=local");
            }
        } else {
            script_error("qdevice: unknown option \"%s\"", word->data);
        }
    }
}

static void parse_value(struct step *step) {
    step->type = (uint32_t)lookup(types, text_of(&step->words[1]));
    const struct bytes *word = &step->words[2];
    const char *text = word->data;
    size_t size = map_type_size(step->type);
    step->length = size > 0 ? size : word->length;
    if (step->type == CMAP_VALUETYPE_STRING) {
        step->length = strlen(text) + 1;
    }
    step->value = allocate(step->length);
    if (size == 0) {
        memcpy(step->value, text, step->length);
        return;
    }
    char *end;
    errno = 0;
    if (step->type == CMAP_VALUETYPE_FLOAT) {
        float number = strtof(text, &end);
        memcpy(step->value, &number, size);
    } else if (step->type == CMAP_VALUETYPE_DOUBLE) {
        double number = strtod(text, &end);
        memcpy(step->value, &number, size);
    } else {
        uint64_t number = text[0] == '-' ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);
        memcpy(step->value, &number, size);
    }
    if (end == text || *end != '\0' || errno != 0) {
        script_error("\"%s\" is not a number", text);
    }
}

#define CALL_NAME(name) #name,
static const char *const call_names[CALL_COUNT] = {STANDIN_CALLS(CALL_NAME)};

// fail CALL N ERROR · delay CALL N MS · hang CALL N [deaf], then times=, node= and key=.
static void parse_fault(struct step *step) {
    struct fault *fault = allocate(sizeof *fault);
    const char *pattern = text_of(&step->words[0]);
    bool found = false;
    for (size_t index = 0; index < CALL_COUNT; index++) {
        fault->calls[index] = fnmatch(pattern, call_names[index], 0) == 0;
        found = found || fault->calls[index];
    }
    if (!found) {
        script_error("there is no function \"%s\"", pattern);
    }
    fault->first = number_of(text_of(&step->words[1]), FOREVER - 1);
    if (fault->first == 0) {
        script_error("calls are counted from 1");
    }
    fault->times = 1;
    fault->node = -1;
    size_t next = 3;
    if (step->operation == OP_FAIL) {
        fault->kind = FAULT_FAIL;
        fault->error = error_of(text_of(&step->words[2]));
    } else if (step->operation == OP_DELAY) {
        fault->kind = FAULT_DELAY;
        fault->milliseconds = number_of(text_of(&step->words[2]), UINT32_MAX);
    } else {
        fault->kind = FAULT_HANG;
        next = 2;
    }
    for (size_t index = next; index < step->word_count; index++) {
        const struct bytes *word = &step->words[index];
        const char *value = NULL;
        if ((value = option(word, "times")) != NULL) {
            fault->times = count_of(value);
        } else if (is(word, "forever")) {
            fault->times = FOREVER;
        } else if ((value = option(word, "node")) != NULL) {
            fault->node = (int64_t)number_of(value, UINT32_MAX);
        } else if ((value = option(word, "key")) != NULL) {
            fault->key = strdup(value);
        } else if (fault->kind == FAULT_HANG && is(word, "deaf")) {
            fault->kind = FAULT_HANG_DEAF;
        } else {
            script_error("unknown option \"%s\"", word->data);
        }
    }
    step->fault = fault;
}

static void parse_service(struct step *step, const struct bytes *word) {
    step->services[SERVICE_VOTEQUORUM] = word == NULL || is(word, "all") || is(word, "votequorum");
    step->services[SERVICE_CMAP] = word == NULL || is(word, "all") || is(word, "cmap");
    if (!step->services[SERVICE_VOTEQUORUM] && !step->services[SERVICE_CMAP]) {
        script_error("\"%s\" is not votequorum, cmap or all", word->data);
    }
}

static void parse_refuse(struct step *step) {
    step->number.value = count_of(text_of(&step->words[0]));
    step->error = CS_ERR_LIBRARY;
    const struct bytes *service = NULL;
    for (size_t index = 1; index < step->word_count; index++) {
        const struct bytes *word = &step->words[index];
        if (is(word, "votequorum") || is(word, "cmap") || is(word, "all")) {
            service = word;
        } else {
            step->error = error_of(text_of(word));
        }
    }
    parse_service(step, service);
}

static void parse_flood(struct step *step) {
    static const struct named kinds[] = {
        {"quorum", FLOOD_QUORUM},       {"nodelist", FLOOD_NODELIST}, {"expected", FLOOD_EXPECTED},
        {"mixed", FLOOD_MIXED},         {"alternate", FLOOD_ALTERNATE}, {NULL, 0},
    };
    step->number.value = number_of(text_of(&step->words[0]), FOREVER - 1);
    if (step->number.value == 0) {
        script_error("a flood of nothing");
    }
    step->first = 0;
    for (size_t index = 1; index < step->word_count; index++) {
        const char *value = option(&step->words[index], "node");
        if (value != NULL) {
            step->first = number_of(value, UINT32_MAX);
            continue;
        }
        uint64_t kind = lookup(kinds, text_of(&step->words[index]));
        if (kind > FLOOD_ALTERNATE) {
            script_error("unknown flood");
        }
        step->flood = (enum flood)kind;
    }
}

static struct step *all_steps;

static struct step *parse(struct bytes *words, size_t count) {
    const struct statement *statement = NULL;
    for (size_t index = 0; index < sizeof statements / sizeof *statements; index++) {
        if (is(&words[0], statements[index].name)) {
            statement = &statements[index];
        }
    }
    if (statement == NULL) {
        script_error("unknown statement \"%s\"", words[0].data);
    }
    if (count - 1 < statement->least || count - 1 > statement->most) {
        script_error("%s: wrong number of words", statement->name);
    }
    struct step *step = allocate(sizeof *step);
    step->next = all_steps;
    all_steps = step;
    step->operation = statement->operation;
    step->line = script_line;
    step->line_words = words;
    step->words = words + 1;
    step->word_count = count - 1;
    const struct bytes *first = step->word_count > 0 ? &step->words[0] : NULL;
    switch (step->operation) {
    case OP_CLUSTER: text_of(first); break;
    case OP_NODE: parse_node(step); break;
    case OP_NODES: step->number.value = number_of(text_of(first), 100000); break;
    case OP_LOCAL: step->number.value = number_of(text_of(first), UINT32_MAX); break;
    case OP_FLAGS: step->number.value = flags_of(text_of(first)); break;
    case OP_QUORATE:
    case OP_TOTAL:
    case OP_HIGHEST:
    case OP_THRESHOLD:
    case OP_EXPECTED_VOTES:
        step->automatic = is(first, "auto");
        step->number.value = step->automatic ? 0 : number_of(text_of(first), UINT32_MAX);
        break;
    case OP_RING: step->ring = ring_of(text_of(first)); break;
    case OP_QDEVICE: step->everywhere = true; parse_qdevice(step); break;
    case OP_KEY:
    case OP_STATS: parse_value(step); break;
    case OP_KEY_FILL:
        step->length = number_of(text_of(&step->words[1]), 1 << 24) + 1;
        step->value = allocate(step->length);
        memset(step->value, step->word_count > 2 ? step->words[2].data[0] : 'x', step->length - 1);
        step->type = CMAP_VALUETYPE_STRING;
        break;
    case OP_FAIL:
    case OP_DELAY:
    case OP_HANG: parse_fault(step); break;
    case OP_REFUSE: parse_refuse(step); break;
    case OP_HANGUP: parse_service(step, first); break;
    case OP_RELOAD:
        if (first != NULL && !is(first, "begin") && !is(first, "end")) {
            script_error("reload, reload begin or reload end");
        }
        break;
    case OP_AWAIT: step->number.value = number_of(text_of(&step->words[1]), UINT32_MAX); break;
    case OP_WAIT: step->number.value = number_of(text_of(first), UINT32_MAX); break;
    case OP_AT: step->number.value = is(first, "start") ? 0 : number_of(text_of(first), UINT32_MAX); break;
    case OP_REPEAT: step->number.value = first != NULL ? count_of(text_of(first)) : FOREVER; break;
    case OP_NODELIST:
        if (first != NULL && !is(first, "next") && !is(first, "same")) {
            step->ring = ring_of(text_of(first));
            step->ring_given = true;
        }
        step->automatic = first == NULL || is(first, "next");
        if (step->word_count > 1 && !is(&step->words[1], "members")) {
            parse_pairs(step, text_of(&step->words[1]), false);
        }
        break;
    case OP_QUORUM:
        step->automatic = is(first, "auto");
        if (!is(first, "same") && !step->automatic) {
            step->number = (struct choice){true, number_of(text_of(first), UINT32_MAX)};
        }
        if (step->word_count > 1 && !is(&step->words[1], "all")) {
            parse_pairs(step, text_of(&step->words[1]), true);
        }
        break;
    case OP_EXPECTED:
        if (!is(first, "same")) {
            step->number = (struct choice){true, number_of(text_of(first), UINT32_MAX)};
        }
        break;
    case OP_FLOOD: parse_flood(step); break;
    case OP_KEY_DELETE:
    case OP_FREEZE:
    case OP_THAW:
    case OP_MARK:
    case OP_TIMELINE:
    case OP_COUNT: break;
    }
    if ((step->operation == OP_KEY || step->operation == OP_KEY_FILL || step->operation == OP_KEY_DELETE ||
         step->operation == OP_STATS) &&
        strlen(text_of(first)) > CMAP_KEYNAME_MAXLEN) {
        script_error("a key name has at most %d bytes", CMAP_KEYNAME_MAXLEN);
    }
    return step;
}

// MARK: carrying out what needs no reader

static void publish_node(const struct node *node, const char *item, const char *value) {
    char name[64];
    snprintf(name, sizeof name, "nodelist.node.%u.%s", node->position, item);
    if (value == NULL || value[0] == '\0') {
        map_delete(CMAP_MAP_ICMAP, name);
    } else {
        map_set_string(name, value);
    }
}

static void publish_number(const struct node *node, const char *item, uint32_t value) {
    char name[64];
    snprintf(name, sizeof name, "nodelist.node.%u.%s", node->position, item);
    map_set_u32(name, value);
}

static void publish_local(void) {
    const struct node *local = cluster_find(cluster.local);
    if (local != NULL && local->configured) {
        map_set_u32("nodelist.local_node_pos", local->position);
    }
    map_set_u32("runtime.votequorum.this_node_id", cluster.local);
}

static void change_node(const struct step *step, uint32_t id) {
    struct node *node = cluster_add(id);
    if (step->votes.given) {
        node->votes = (uint32_t)step->votes.value;
    }
    if (step->expected.given) {
        node->expected = (uint32_t)step->expected.value;
        node->expected_given = true;
    }
    if (step->state.given) {
        node->state = (uint32_t)step->state.value;
    }
    if (step->flags.given) {
        node->flags = (uint32_t)step->flags.value;
    }
    if (step->configured.given) {
        node->configured = step->configured.value != 0;
    }
    if (!node->configured) {
        return;
    }
    publish_number(node, "nodeid", node->id);
    if (step->votes.given) {
        publish_number(node, "quorum_votes", node->votes);
    }
    if (step->name != NULL) {
        publish_node(node, "name", option(step->name, "name"));
    }
    if (step->addresses != NULL) {
        char *copy = strdup(option(step->addresses, "addr")), *rest = copy, *part;
        for (unsigned link = 0; (part = strsep(&rest, ",")) != NULL; link++) {
            char item[32];
            snprintf(item, sizeof item, "ring%u_addr", link);
            publish_node(node, item, part);
        }
        free(copy);
    }
}

static void add_nodes(uint64_t count) {
    for (uint32_t id = 1; id <= count; id++) {
        struct node *node = cluster_add(id);
        char text[32];
        publish_number(node, "nodeid", id);
        snprintf(text, sizeof text, "node%u", id);
        publish_node(node, "name", text);
        snprintf(text, sizeof text, "10.%u.%u.%u", id >> 16, (id >> 8) & 255, id & 255);
        publish_node(node, "ring0_addr", text);
    }
}

static void change_qdevice(const struct step *step) {
    const uint32_t bits = VOTEQUORUM_INFO_QDEVICE_REGISTERED | VOTEQUORUM_INFO_QDEVICE_ALIVE |
                          VOTEQUORUM_INFO_QDEVICE_CAST_VOTE | VOTEQUORUM_INFO_QDEVICE_MASTER_WINS;
    bool none = is(&step->words[0], "none");
    cluster.qdevice_registered = !none;
    cluster.qdevice_name = none ? (struct bytes){0} : step->words[0];
    if (none) {
        cluster.qdevice_votes = 0;
    } else if (step->votes.given) {
        cluster.qdevice_votes = (uint32_t)step->votes.value;
    }
    uint32_t flags = none ? 0
                          : VOTEQUORUM_INFO_QDEVICE_REGISTERED |
                                (step->flags.given ? (uint32_t)step->flags.value
                                                   : VOTEQUORUM_INFO_QDEVICE_ALIVE | VOTEQUORUM_INFO_QDEVICE_CAST_VOTE);
    for (size_t index = 0; index < cluster.node_count; index++) {
        struct node *node = &cluster.nodes[index];
        if (none || step->everywhere || node->id == cluster.local) {
            node->flags = (node->flags & ~bits) | flags;
        }
    }
    if (step->state.given) {
        cluster.qdevice_state = (uint32_t)step->state.value;
    } else {
        cluster.qdevice_state = (flags & VOTEQUORUM_INFO_QDEVICE_CAST_VOTE) != 0 ? VOTEQUORUM_NODESTATE_MEMBER
                                                                                 : VOTEQUORUM_NODESTATE_DEAD;
    }
}

static void add_fault(struct fault *fault) {
    // A fault inside a repeated part starts anew, and must not be in the list twice.
    struct fault **link = &faults;
    while (*link != NULL && *link != fault) {
        link = &(*link)->next;
    }
    fault->seen = 0;
    *link = fault;
}

static struct number_or_auto setting(const struct step *step) {
    return (struct number_or_auto){.given = !step->automatic, .value = (uint32_t)step->number.value};
}

static void carry_out(struct step *step) {
    switch (step->operation) {
    case OP_CLUSTER:
        if (is(&step->words[0], "none")) {
            map_delete(CMAP_MAP_ICMAP, "totem.cluster_name");
        } else {
            map_set_string("totem.cluster_name", step->words[0].data);
        }
        break;
    case OP_NODE:
        for (uint64_t id = step->first; id <= step->last; id++) {
            change_node(step, (uint32_t)id);
        }
        break;
    case OP_NODES: add_nodes(step->number.value); break;
    case OP_LOCAL:
        cluster.local = (uint32_t)step->number.value;
        publish_local();
        break;
    case OP_FLAGS: cluster.flags = (uint32_t)step->number.value; break;
    case OP_QUORATE: cluster.quorate = setting(step); break;
    case OP_TOTAL: cluster.total = setting(step); break;
    case OP_HIGHEST: cluster.highest = setting(step); break;
    case OP_THRESHOLD: cluster.threshold = setting(step); break;
    case OP_EXPECTED_VOTES: cluster.expected = setting(step); break;
    case OP_RING: cluster.ring = step->ring; break;
    case OP_QDEVICE: change_qdevice(step); break;
    case OP_KEY:
    case OP_KEY_FILL: map_set(CMAP_MAP_ICMAP, step->words[0].data, step->type, step->value, step->length); break;
    case OP_STATS: map_set(CMAP_MAP_STATS, step->words[0].data, step->type, step->value, step->length); break;
    case OP_KEY_DELETE: map_delete(CMAP_MAP_ICMAP, step->words[0].data); break;
    case OP_FAIL:
    case OP_DELAY:
    case OP_HANG: add_fault(step->fault); break;
    case OP_REFUSE:
        for (size_t service = 0; service < SERVICE_COUNT; service++) {
            if (step->services[service]) {
                refusals[service] = (struct refusal){.times = step->number.value, .error = (uint32_t)step->error};
            }
        }
        break;
    case OP_HANGUP:
        for (struct connection *connection = connections; connection != NULL; connection = connection->next) {
            if (step->services[connection->service]) {
                connection_hang_up(connection);
                connection->tracking = false;
            }
        }
        break;
    case OP_FREEZE: frozen = true; break;
    case OP_THAW:
        frozen = false;
        wake_daemon();
        break;
    case OP_RELOAD:
        if (step->word_count == 0 || is(&step->words[0], "begin")) {
            map_set_u8("config.totemconfig_reload_in_progress", 1);
            map_set_u8("config.reload_in_progress", 1);
        }
        if (step->word_count == 0 || is(&step->words[0], "end")) {
            const int32_t status = CS_OK;
            map_set(CMAP_MAP_ICMAP, "config.reload_status", CMAP_VALUETYPE_INT32, &status, sizeof status);
            map_set_u8("config.totemconfig_reload_in_progress", 0);
            map_set_u8("config.reload_in_progress", 0);
        }
        break;
    default: break;
    }
}

// MARK: the timeline

static struct step **steps;
static size_t step_count, position;
static uint64_t started_at, wait_until;
static bool started, waiting;

static bool is_notification(const struct step *step) {
    return step->operation >= OP_FIRST_NOTIFICATION && step->operation < OP_COUNT;
}

static void finish_step(void) {
    position++;
    report_add(GAUGE_STEPS, 1);
}

static void jump_back(struct step *step) {
    if (step->number.value != FOREVER && step->progress >= step->number.value) {
        step->progress = 0;
        finish_step();
        return;
    }
    step->progress++;
    report_add(GAUGE_STEPS, 1);
    while (position > 0 && steps[position - 1]->operation != OP_MARK) {
        position--;
    }
}

// Nothing tells when a file grows, so that it is looked at now and then.
#define AWAIT_INTERVAL 2

static bool has_come(const struct step *step) {
    struct stat status;
    return stat(text_of(&step->words[0]), &status) == 0 && (uint64_t)status.st_size >= step->number.value;
}

uint64_t timeline_advance(void) {
    while (started && position < step_count) {
        struct step *step = steps[position];
        if (is_notification(step)) {
            return FOREVER;
        }
        if (step->operation == OP_WAIT || step->operation == OP_AT) {
            uint64_t now = now_milliseconds();
            if (!waiting) {
                wait_until = (step->operation == OP_AT ? started_at : now) + step->number.value;
                waiting = true;
                wake_daemon();
            }
            if (now < wait_until) {
                return wait_until - now;
            }
            waiting = false;
            finish_step();
        } else if (step->operation == OP_AWAIT) {
            if (!waiting) {
                waiting = true;
                wake_daemon();
            }
            if (!has_come(step)) {
                return AWAIT_INTERVAL;
            }
            waiting = false;
            finish_step();
        } else if (step->operation == OP_REPEAT) {
            jump_back(step);
        } else {
            carry_out(step);
            finish_step();
        }
    }
    return FOREVER;
}

static void *run_daemon(void *unused) {
    (void)unused;
    lock();
    for (;;) {
        uint64_t milliseconds = timeline_advance();
        connections_refill();
        wait_for_daemon(milliseconds);
    }
    return NULL;
}

void timeline_start(void) {
    if (started || step_count == 0) {
        return;
    }
    started = true;
    started_at = now_milliseconds();
    // The program's signals are for its own threads.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_daemon, NULL) != 0) {
        script_error("cannot start a thread");
    }
    pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

uint64_t timeline_pending(void) {
    if (!started || position >= step_count || !is_notification(steps[position])) {
        return 0;
    }
    const struct step *step = steps[position];
    return step->operation == OP_FLOOD ? step->number.value - step->progress : 1;
}

static void next_ring(void) { cluster.ring.seq += 4; }

static void make_nodelist(const struct step *step, struct event *event) {
    if (step->automatic) {
        next_ring();
    } else if (step->ring_given) {
        cluster.ring = step->ring;
    }
    event_nodelist(event);
    if (step->list == LIST_GIVEN) {
        uint32_t *list = (void *)event->data;
        for (size_t index = 0; index < step->pair_count; index++) {
            list[index] = step->pairs[index].nodeid;
        }
        event->entries = (uint32_t)step->pair_count;
        event->size = sizeof *event + step->pair_count * sizeof *list;
    }
}

static void make_quorum(const struct step *step, struct event *event) {
    for (size_t index = 0; index < step->pair_count; index++) {
        struct node *node = cluster_find(step->pairs[index].nodeid);
        if (node != NULL) {
            node->state = step->pairs[index].state;
        }
    }
    if (step->number.given) {
        cluster.quorate = (struct number_or_auto){.given = true, .value = (uint32_t)step->number.value};
    } else if (step->automatic) {
        cluster.quorate.given = false;
    }
    event_quorum(event);
    if (step->list == LIST_GIVEN) {
        size_t size = step->pair_count * sizeof *step->pairs;
        if (size > 0) {
            memcpy(event->data, step->pairs, size);
        }
        event->entries = (uint32_t)step->pair_count;
        event->size = sizeof *event + size;
    }
}

static void set_expected(uint32_t expected) {
    cluster.expected = (struct number_or_auto){.given = true, .value = expected};
    for (size_t index = 0; index < cluster.node_count; index++) {
        cluster.nodes[index].expected_given = false;
    }
}

static void make_expected(struct event *event, uint64_t turn) {
    set_expected(cluster_expected() + (turn % 2 == 0 ? 1 : UINT32_MAX));
    event_expected(event);
}

// A node goes and comes: a nodelist while its state is still the old one, then the quorum notification.
static void make_alternate(struct node *node, struct event *event, uint64_t turn) {
    uint32_t before = node->state;
    node->state = turn % 4 < 2 ? VOTEQUORUM_NODESTATE_DEAD : VOTEQUORUM_NODESTATE_MEMBER;
    if (turn % 2 == 1) {
        event_quorum(event);
    } else {
        next_ring();
        event_nodelist(event);
        node->state = before;
    }
}

static void make_flood(const struct step *step, struct event *event) {
    uint64_t turn = step->progress;
    switch (step->flood) {
    case FLOOD_QUORUM: event_quorum(event); break;
    case FLOOD_NODELIST:
        next_ring();
        event_nodelist(event);
        break;
    case FLOOD_EXPECTED: make_expected(event, turn); break;
    case FLOOD_MIXED:
        if (turn % 3 == 0) {
            next_ring();
            event_nodelist(event);
        } else if (turn % 3 == 1) {
            event_quorum(event);
        } else {
            make_expected(event, turn / 3);
        }
        break;
    case FLOOD_ALTERNATE: {
        struct node *node = step->first != 0 ? cluster_find((uint32_t)step->first) : NULL;
        if (node == NULL && cluster.node_count > 0) {
            node = &cluster.nodes[cluster.node_count - 1];
        }
        if (node == NULL) {
            event_quorum(event);
        } else {
            make_alternate(node, event, turn);
        }
        break;
    }
    }
}

bool timeline_take(struct event *event, struct connection *taker) {
    if (timeline_pending() == 0) {
        return false;
    }
    memset(event, 0, sizeof *event);
    struct step *step = steps[position];
    switch (step->operation) {
    case OP_NODELIST: make_nodelist(step, event); break;
    case OP_QUORUM: make_quorum(step, event); break;
    case OP_EXPECTED:
        if (step->number.given) {
            set_expected((uint32_t)step->number.value);
        }
        event_expected(event);
        break;
    default: make_flood(step, event); break;
    }
    if (step->operation == OP_FLOOD && ++step->progress < step->number.value) {
        event_broadcast(event, taker);
        return true;
    }
    step->progress = 0;
    finish_step();
    event_broadcast(event, taker);
    return true;
}

// MARK: loading

// A loop that neither waits nor notifies would never end.
static void check_repeats(void) {
    bool can_end = false;
    for (size_t index = 0; index < step_count; index++) {
        const struct step *step = steps[index];
        script_line = step->line;
        if (step->operation == OP_MARK) {
            can_end = false;
        }
        can_end = can_end || is_notification(step) || (step->operation == OP_WAIT && step->number.value > 0);
        if (step->operation == OP_REPEAT && !can_end) {
            script_error("repeat: nothing in this part waits or notifies");
        }
    }
}

void script_load(void) {
    script_path = getenv("VQ_STANDIN_SCRIPT");
    if (script_path == NULL || script_path[0] == '\0') {
        script_error("VQ_STANDIN_SCRIPT names no script");
    }
    FILE *file = fopen(script_path, "re");
    if (file == NULL) {
        script_error("%s", strerror(errno));
    }
    map_set_u32("totem.version", 2);
    map_set_string("totem.cluster_name", "standin");
    map_set_string("quorum.provider", "corosync_votequorum");
    bool in_timeline = false;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    while ((length = getline(&line, &room, file)) >= 0) {
        script_line++;
        if (length > 0 && line[length - 1] == '\n') {
            line[length - 1] = '\0';
        }
        size_t count;
        struct bytes *words = split(line, &count);
        if (count == 0) {
            continue;
        }
        struct step *step = parse(words, count);
        if (step->operation == OP_TIMELINE) {
            if (in_timeline) {
                script_error("timeline is already there");
            }
            in_timeline = true;
        } else if (in_timeline) {
            steps = realloc(steps, (step_count + 1) * sizeof *steps);
            if (steps == NULL) {
                abort();
            }
            steps[step_count++] = step;
        } else if (step->operation >= OP_FIRST_OF_TIMELINE) {
            script_error("%s belongs behind \"timeline\"", words[0].data);
        } else {
            carry_out(step);
        }
    }
    free(line);
    fclose(file);
    publish_local();
    check_repeats();
}
