// SPDX-License-Identifier: MIT

// What Swift's Glibc module leaves out of Linux.

#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H

#include <malloc.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

// What the C library's headers have only for those who define _GNU_SOURCE.
#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1U
#endif
extern int memfd_create(const char *name, unsigned int flags);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
extern char **environ;

extern ssize_t pwritev2(int descriptor, const struct iovec *parts, int count, off_t offset, int flags);
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

static inline ssize_t vqwatch_write_nowait(int descriptor, const struct iovec *part) {
    return pwritev2(descriptor, part, 1, -1, RWF_NOWAIT);
}

// The process at the other end of a local socket, 0 when there is none to be seen (SO_PEERCRED of unix(7)).
static inline pid_t vqwatch_peer(int descriptor) {
    struct { pid_t process; uid_t user; gid_t group; } peer = {0};
    socklen_t size = sizeof peer;
    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.process : 0;
}

// A variable that anyone may change is none that Swift lets be read.
static inline char *const *vqwatch_environment(void) { return environ; }

#endif
