// SPDX-License-Identifier: MIT

/// Preloaded into corosync-vqsim: turns on the log, which it configures but does not initialise, and puts the process ID
/// of a node in front of each of its messages.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <syslog.h>
#include <unistd.h>

/// QB_LOG_STDERR of libqb.
enum { standard_error = 1 };

void qb_log_init(const char *name, int32_t facility, uint8_t priority);
void qb_log_format_set(int32_t target, const char *format);

__attribute__((constructor)) static void initialise(void) {
	// glibc 2.37 and later write to an unbuffered stream in pieces of 128 bytes, between which another node may write.
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	qb_log_init("vqsim", LOG_USER, LOG_DEBUG);
}

pid_t fork(void) {
	pid_t (*original)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
	pid_t child = original();
	if (child == 0) {
		char format[32];
		snprintf(format, sizeof format, "%d %%b", (int)getpid());
		qb_log_format_set(standard_error, format);
	}
	return child;
}
