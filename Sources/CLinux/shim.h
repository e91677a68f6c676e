// SPDX-License-Identifier: MIT

// The parts of Linux's C interface that Swift's Glibc module leaves out.

#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H

#include <malloc.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

// Declared by the C library's headers only if _GNU_SOURCE is defined.
#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1U
#endif
extern int memfd_create(const char *name, unsigned int flags);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
extern char **environ;

// Swift 6 refuses to read a global variable of C, because another thread could change it.
static inline char *const *vqwatch_environment(void) { return environ; }

#endif
