// SPDX-License-Identifier: MIT

#ifndef CCOROSYNC_SHIM_H
#define CCOROSYNC_SHIM_H

#include <corosync/cmap.h>
#include <corosync/corotypes.h>
#include <corosync/votequorum.h>

#endif
