// System calls of Linux that Swift's Glibc module does not show. Elsewhere each does nothing.
#ifndef GRANARY_SYSTEM_CALLS_H
#define GRANARY_SYSTEM_CALLS_H

#include <stdint.h>

/// What reading one byte would meet.
enum granary_presence {
    /// It is in memory, or nobody can tell.
    GRANARY_PRESENT = 0,
    /// It would wait for the disk.
    GRANARY_ABSENT = 1,
    /// The file ends before it.
    GRANARY_BEYOND_END = 2
};

/// Whether the byte at `offset` can be read without waiting for the disk.
enum granary_presence granary_presence_of(int descriptor, int64_t offset);

/// Lets the kernel read a stretch of a file ahead; does not wait for it.
void granary_read_ahead(int descriptor, int64_t offset, int64_t length);

/// Lets the kernel begin to write a stretch of a file to the disk; does not wait for it, and promises nothing.
void granary_write_early(int descriptor, int64_t offset, int64_t length);

/// Bounds what the allocator holds: two arenas, which keep up to 16 MiB that is free at their end. Buffers below 4 MiB are
/// taken from them, because pages that are given back and taken again are cleared each time.
void granary_bound_allocator(void);

/// Gives free memory back to the system. Takes milliseconds.
void granary_release_memory(void);

/// Of a connection: the option of `getsockopt` at the level of TCP, and of what it answers as much as is asked for here.
#define GRANARY_TCP_INFO 11
struct granary_connection {
    uint8_t unused[120];
    /// Bytes the other side has taken since the beginning.
    uint64_t acknowledged;
};

#endif
