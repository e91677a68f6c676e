// SPDX-License-Identifier: MIT

// The cluster as votequorum would describe it.

#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct cluster cluster = {
    .quorate = NONE,
    .total = NONE,
    .highest = NONE,
    .threshold = NONE,
    .expected = NONE,
    .ring = {.nodeid = LOCAL_NODE, .seq = 0x22},
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
        .state = VOTEQUORUM_NODESTATE_MEMBER,
        .votes = 1,
        .expected = NONE,
    };
    cluster.node_count++;
    return node;
}

void cluster_mark_local(uint32_t bits, bool on) {
    struct node *node = cluster_find(LOCAL_NODE);
    if (node != NULL) {
        node->flags = on ? node->flags | bits : node->flags & ~(uint64_t)bits;
    }
}

static bool has_vote_of_qdevice(const struct node *node) {
    return node != NULL && (node->flags & VOTEQUORUM_INFO_QDEVICE_CAST_VOTE) != 0;
}

static uint32_t total_seen_from(const struct node *node) {
    if (cluster.total != NONE) {
        return (uint32_t)cluster.total;
    }
    uint32_t total = has_vote_of_qdevice(node) ? cluster.qdevice_votes : 0;
    for (size_t index = 0; index < cluster.node_count; index++) {
        if (cluster.nodes[index].state == VOTEQUORUM_NODESTATE_MEMBER) {
            total += (uint32_t)cluster.nodes[index].votes;
        }
    }
    return total;
}

void cluster_expect(uint32_t votes) {
    cluster.expected = votes;
    for (size_t index = 0; index < cluster.node_count; index++) {
        cluster.nodes[index].expected = NONE;
    }
}

uint32_t cluster_expected(void) {
    if (cluster.expected != NONE) {
        return (uint32_t)cluster.expected;
    }
    uint32_t expected = cluster.qdevice_registered ? cluster.qdevice_votes : 0;
    for (size_t index = 0; index < cluster.node_count; index++) {
        expected += (uint32_t)cluster.nodes[index].votes;
    }
    return expected;
}

static uint32_t threshold(void) {
    return cluster.threshold != NONE ? (uint32_t)cluster.threshold : cluster_expected() / 2 + 1;
}

uint32_t cluster_quorate(void) {
    if (cluster.quorate != NONE) {
        return (uint32_t)cluster.quorate;
    }
    return total_seen_from(cluster_find(LOCAL_NODE)) >= threshold() ? 1 : 0;
}

// What the cluster expects is counted over all nodes: once for each question, not once for each node.
static uint32_t expected_of(const struct node *node, uint32_t of_cluster) {
    return node->expected != NONE ? (uint32_t)node->expected : of_cluster;
}

static uint32_t highest_expected(uint32_t of_cluster) {
    if (cluster.highest != NONE) {
        return (uint32_t)cluster.highest;
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
    const struct node *node = cluster_find(id == VOTEQUORUM_QDEVICE_NODEID ? LOCAL_NODE : id);
    if (node == NULL || node->state == STATE_ABSENT) {
        return false;
    }
    uint32_t expected = cluster_expected();
    *info = (struct votequorum_info){
        .node_id = node->id,
        .node_state = (uint32_t)node->state,
        .node_votes = (uint32_t)node->votes,
        .node_expected_votes = expected_of(node, expected),
        .highest_expected = highest_expected(expected),
        .total_votes = total_seen_from(node),
        .quorum = threshold(),
        .flags = (uint32_t)(cluster.flags | node->flags | (cluster_quorate() != 0 ? VOTEQUORUM_INFO_QUORATE : 0)),
        .qdevice_votes = cluster.qdevice_votes,
    };
    memcpy(info->qdevice_name, cluster.qdevice_name, sizeof info->qdevice_name);
    return true;
}

// MARK: notifications that show the cluster as it is

static void finish(struct event *event, enum event_kind kind, uint32_t entries, size_t bytes) {
    event->next = NULL;
    event->kind = kind;
    event->entries = entries;
    event->size = sizeof *event + bytes;
}

void event_quorum(struct event *event) {
    votequorum_node_t *list = (void *)event->data;
    uint32_t entries = 0;
    for (size_t index = 0; index < cluster.node_count; index++) {
        const struct node *node = &cluster.nodes[index];
        if (node->state != STATE_ABSENT) {
            list[entries++] = (votequorum_node_t){.nodeid = node->id, .state = (uint32_t)node->state};
        }
    }
    if (cluster.qdevice_registered) {
        list[entries++] = (votequorum_node_t){
            .nodeid = VOTEQUORUM_QDEVICE_NODEID,
            .state = has_vote_of_qdevice(cluster_find(LOCAL_NODE)) ? VOTEQUORUM_NODESTATE_MEMBER
                                                                   : VOTEQUORUM_NODESTATE_DEAD};
    }
    event->value = cluster_quorate();
    finish(event, EVENT_QUORUM, entries, entries * sizeof *list);
}

void event_nodelist(struct event *event) {
    uint32_t *list = (void *)event->data;
    uint32_t entries = 0;
    for (size_t index = 0; index < cluster.node_count; index++) {
        if (cluster.nodes[index].state == VOTEQUORUM_NODESTATE_MEMBER) {
            list[entries++] = cluster.nodes[index].id;
        }
    }
    event->ring = cluster.ring;
    finish(event, EVENT_NODELIST, entries, entries * sizeof *list);
}

void event_expected(struct event *event) {
    event->value = cluster_expected();
    finish(event, EVENT_EXPECTED, 0, 0);
}
