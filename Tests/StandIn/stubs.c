// SPDX-License-Identifier: MIT

// The functions that neither vqwatch nor its library calls. Without the headers, since a stub needs no parameters.

#include <stdio.h>
#include <stdlib.h>

#include "calls.h"

#define STUB(name)                                                                                                     \
    void name(void) {                                                                                                  \
        fprintf(stderr, "stand-in: %s is not simulated\n", #name);                                                     \
        abort();                                                                                                       \
    }
STANDIN_STUBS(STUB)
