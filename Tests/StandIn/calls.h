// SPDX-License-Identifier: MIT

// The functions of votequorum.h and cmap.h: those that vqwatch and its library call, and the rest, which `stubs.c` has.
// The self-test compares what the library exports with what the headers declare.

#ifndef STANDIN_CALLS_H
#define STANDIN_CALLS_H

#define STANDIN_CALLS(CALL)                                                                                            \
    CALL(votequorum_initialize)                                                                                        \
    CALL(votequorum_finalize)                                                                                          \
    CALL(votequorum_dispatch)                                                                                          \
    CALL(votequorum_fd_get)                                                                                            \
    CALL(votequorum_getinfo)                                                                                           \
    CALL(votequorum_setexpected)                                                                                       \
    CALL(votequorum_setvotes)                                                                                          \
    CALL(votequorum_trackstart)                                                                                        \
    CALL(votequorum_trackstop)                                                                                         \
    CALL(votequorum_context_get)                                                                                       \
    CALL(votequorum_context_set)                                                                                       \
    CALL(votequorum_qdevice_register)                                                                                  \
    CALL(votequorum_qdevice_unregister)                                                                                \
    CALL(votequorum_qdevice_update)                                                                                    \
    CALL(votequorum_qdevice_poll)                                                                                      \
    CALL(votequorum_qdevice_master_wins)                                                                               \
    CALL(cmap_initialize_map)                                                                                          \
    CALL(cmap_finalize)                                                                                                \
    CALL(cmap_fd_get)                                                                                                  \
    CALL(cmap_dispatch)                                                                                                \
    CALL(cmap_context_get)                                                                                             \
    CALL(cmap_context_set)                                                                                             \
    CALL(cmap_set)                                                                                                     \
    CALL(cmap_delete)                                                                                                  \
    CALL(cmap_get)                                                                                                     \
    CALL(cmap_inc)                                                                                                     \
    CALL(cmap_dec)                                                                                                     \
    CALL(cmap_iter_init)                                                                                               \
    CALL(cmap_iter_next)                                                                                               \
    CALL(cmap_iter_finalize)                                                                                           \
    CALL(cmap_track_add)                                                                                               \
    CALL(cmap_track_delete)

#define STANDIN_STUBS(CALL)                                                                                            \
    CALL(cmap_initialize)                                                                                              \
    CALL(cmap_set_int8)                                                                                                \
    CALL(cmap_set_uint8)                                                                                               \
    CALL(cmap_set_int16)                                                                                               \
    CALL(cmap_set_uint16)                                                                                              \
    CALL(cmap_set_int32)                                                                                               \
    CALL(cmap_set_uint32)                                                                                              \
    CALL(cmap_set_int64)                                                                                               \
    CALL(cmap_set_uint64)                                                                                              \
    CALL(cmap_set_float)                                                                                               \
    CALL(cmap_set_double)                                                                                              \
    CALL(cmap_set_string)                                                                                              \
    CALL(cmap_get_int8)                                                                                                \
    CALL(cmap_get_uint8)                                                                                               \
    CALL(cmap_get_int16)                                                                                               \
    CALL(cmap_get_uint16)                                                                                              \
    CALL(cmap_get_int32)                                                                                               \
    CALL(cmap_get_uint32)                                                                                              \
    CALL(cmap_get_int64)                                                                                               \
    CALL(cmap_get_uint64)                                                                                              \
    CALL(cmap_get_float)                                                                                               \
    CALL(cmap_get_double)                                                                                              \
    CALL(cmap_get_string)

#define STANDIN_CALL_INDEX(name) CALL_##name,
enum call_index { STANDIN_CALLS(STANDIN_CALL_INDEX) CALL_COUNT };
#undef STANDIN_CALL_INDEX

#endif
