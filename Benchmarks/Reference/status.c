// SPDX-License-Identifier: MIT

// The least a status can cost: one connection, one getinfo, one line. The yardstick for vqwatch's own start-up.
//
//     cc -O2 -Wall -Wextra -o status status.c -lvotequorum -lcorosync_common

#include <stdio.h>
#include <stdlib.h>

#include <corosync/corotypes.h>
#include <corosync/votequorum.h>

static void check(cs_error_t error, const char *operation) {
    if (error != CS_OK) {
        fprintf(stderr, "status: %s: %s\n", operation, cs_strerror(error));
        exit(1);
    }
}

int main(void) {
    votequorum_handle_t handle;
    struct votequorum_info info;
    check(votequorum_initialize(&handle, NULL), "votequorum_initialize");
    check(votequorum_getinfo(handle, VOTEQUORUM_QDEVICE_NODEID, &info), "votequorum_getinfo");
    int quorate = (info.flags & VOTEQUORUM_INFO_QUORATE) != 0;
    printf("node %u: %s, %u of %u votes, quorum %u\n", info.node_id, quorate ? "quorate" : "not quorate",
           info.total_votes, info.highest_expected, info.quorum);
    check(votequorum_finalize(handle), "votequorum_finalize");
    return quorate ? 0 : 2;
}
