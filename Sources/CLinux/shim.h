// SPDX-License-Identifier: MIT

// What Swift's Glibc module leaves out of Linux.

#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#endif
