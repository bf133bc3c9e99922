#if defined(__linux__)
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <sys/uio.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#endif

#include "CSystemCalls.h"

#if defined(__linux__) && defined(RWF_NOWAIT)
enum granary_presence granary_presence_of(int descriptor, int64_t offset) {
    char byte;
    struct iovec space = {&byte, 1};
    ssize_t count = preadv2(descriptor, &space, 1, offset, RWF_NOWAIT);
    if (count == 0) return GRANARY_BEYOND_END;
    return count < 0 && errno == EAGAIN ? GRANARY_ABSENT : GRANARY_PRESENT;
}
#else
enum granary_presence granary_presence_of(int descriptor, int64_t offset) { return GRANARY_PRESENT; }
#endif

#if defined(__linux__)
void granary_read_ahead(int descriptor, int64_t offset, int64_t length) {
    posix_fadvise(descriptor, offset, length, POSIX_FADV_WILLNEED);
}

void granary_write_early(int descriptor, int64_t offset, int64_t length) {
    sync_file_range(descriptor, offset, length, SYNC_FILE_RANGE_WRITE);
}
#else
void granary_read_ahead(int descriptor, int64_t offset, int64_t length) {}
void granary_write_early(int descriptor, int64_t offset, int64_t length) {}
#endif

#if defined(__linux__) && defined(__GLIBC__)
void granary_bound_allocator(void) {
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

void granary_release_memory(void) { malloc_trim(0); }
#else
void granary_bound_allocator(void) {}
void granary_release_memory(void) {}
#endif

#if defined(__linux__)
_Static_assert(GRANARY_TCP_INFO == TCP_INFO, "as the system numbers it");
_Static_assert(
    offsetof(struct granary_connection, acknowledged) == offsetof(struct tcp_info, tcpi_bytes_acked),
    "as the system lays it out");
#endif
