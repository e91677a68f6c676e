// SPDX-License-Identifier: MIT

// The cluster as votequorum would describe it.

#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct cluster cluster = {
    .local = 1,
    .ring = {.nodeid = 1, .seq = 0x22},
    .qdevice_state = VOTEQUORUM_NODESTATE_DEAD,
};

struct node *cluster_find(uint32_t id) {
    for (size_t index = 0; index < cluster.node_count; index++) {
        if (cluster.nodes[index].id == id) {
            return &cluster.nodes[index];
        }
    }
    return NULL;
}

struct node *cluster_add(uint32_t id) {
    struct node *node = cluster_find(id);
    if (node != NULL) {
        return node;
    }
    cluster.nodes = realloc(cluster.nodes, (cluster.node_count + 1) * sizeof *cluster.nodes);
    if (cluster.nodes == NULL) {
        abort();
    }
    node = &cluster.nodes[cluster.node_count];
    *node = (struct node){
        .id = id,
        .position = (uint32_t)cluster.node_count,
        .state = VOTEQUORUM_NODESTATE_MEMBER,
        .votes = 1,
        .configured = true,
    };
    cluster.node_count++;
    return node;
}

static uint32_t total_of_members(void) {
    uint32_t total = 0;
    for (size_t index = 0; index < cluster.node_count; index++) {
        if (cluster.nodes[index].state == VOTEQUORUM_NODESTATE_MEMBER) {
            total += cluster.nodes[index].votes;
        }
    }
    return total;
}

static uint32_t total_seen_from(const struct node *node) {
    if (cluster.total.given) {
        return cluster.total.value;
    }
    bool casts = node != NULL && (node->flags & VOTEQUORUM_INFO_QDEVICE_CAST_VOTE) != 0;
    return total_of_members() + (casts ? cluster.qdevice_votes : 0);
}

uint32_t cluster_expected(void) {
    if (cluster.expected.given) {
        return cluster.expected.value;
    }
    uint32_t expected = cluster.qdevice_registered ? cluster.qdevice_votes : 0;
    for (size_t index = 0; index < cluster.node_count; index++) {
        expected += cluster.nodes[index].configured ? cluster.nodes[index].votes : 0;
    }
    return expected;
}

// What the cluster expects is counted over all nodes: once for each question, not once for each node.
static uint32_t expected_of(const struct node *node, uint32_t of_cluster) {
    return node->expected_given ? node->expected : of_cluster;
}

uint32_t cluster_threshold(void) {
    return cluster.threshold.given ? cluster.threshold.value : cluster_expected() / 2 + 1;
}

uint32_t cluster_quorate(void) {
    if (cluster.quorate.given) {
        return cluster.quorate.value;
    }
    return total_seen_from(cluster_find(cluster.local)) >= cluster_threshold() ? 1 : 0;
}

static uint32_t highest_expected(uint32_t of_cluster) {
    if (cluster.highest.given) {
        return cluster.highest.value;
    }
    uint32_t highest = 0;
    for (size_t index = 0; index < cluster.node_count; index++) {
        const struct node *node = &cluster.nodes[index];
        if (node->state == VOTEQUORUM_NODESTATE_MEMBER && expected_of(node, of_cluster) > highest) {
            highest = expected_of(node, of_cluster);
        }
    }
    return highest;
}

bool cluster_info(uint32_t id, struct votequorum_info *info) {
    const struct node *node = cluster_find(id == VOTEQUORUM_QDEVICE_NODEID ? cluster.local : id);
    if (node == NULL || node->state == STATE_ABSENT) {
        return false;
    }
    uint32_t expected = cluster_expected();
    *info = (struct votequorum_info){
        .node_id = node->id,
        .node_state = node->state,
        .node_votes = node->votes,
        .node_expected_votes = expected_of(node, expected),
        .highest_expected = highest_expected(expected),
        .total_votes = total_seen_from(node),
        .quorum = cluster_threshold(),
        .flags = cluster.flags | node->flags | (cluster_quorate() != 0 ? VOTEQUORUM_INFO_QUORATE : 0),
        .qdevice_votes = cluster.qdevice_votes,
    };
    // A name of 255 bytes fills the field and has no end: the struct allows it.
    size_t length = cluster.qdevice_name.length;
    if (length > sizeof info->qdevice_name) {
        length = sizeof info->qdevice_name;
    }
    if (length > 0) {
        memcpy(info->qdevice_name, cluster.qdevice_name.data, length);
    }
    return true;
}

// MARK: notifications that show the cluster as it is

static size_t finish(struct event *event, size_t bytes) {
    event->next = NULL;
    event->size = sizeof *event + bytes;
    return event->size;
}

size_t event_quorum(struct event *event) {
    votequorum_node_t *list = (void *)event->data;
    uint32_t entries = 0;
    for (size_t index = 0; index < cluster.node_count; index++) {
        const struct node *node = &cluster.nodes[index];
        if (node->state != STATE_ABSENT) {
            list[entries++] = (votequorum_node_t){.nodeid = node->id, .state = node->state};
        }
    }
    const struct node *local = cluster_find(cluster.local);
    if (local != NULL && (local->flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED) != 0) {
        list[entries++] = (votequorum_node_t){.nodeid = VOTEQUORUM_QDEVICE_NODEID, .state = cluster.qdevice_state};
    }
    event->kind = EVENT_QUORUM;
    event->value = cluster_quorate();
    event->entries = entries;
    return finish(event, entries * sizeof *list);
}

size_t event_nodelist(struct event *event) {
    uint32_t *list = (void *)event->data;
    uint32_t entries = 0;
    for (size_t index = 0; index < cluster.node_count; index++) {
        if (cluster.nodes[index].state == VOTEQUORUM_NODESTATE_MEMBER) {
            list[entries++] = cluster.nodes[index].id;
        }
    }
    event->kind = EVENT_NODELIST;
    event->ring = cluster.ring;
    event->entries = entries;
    return finish(event, entries * sizeof *list);
}

size_t event_expected(struct event *event) {
    event->kind = EVENT_EXPECTED;
    event->value = cluster_expected();
    event->entries = 0;
    return finish(event, 0);
}
