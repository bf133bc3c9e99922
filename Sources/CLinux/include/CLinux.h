// What Swift's own module of the C library leaves out of Linux.
#ifndef CLINUX_H
#define CLINUX_H

#include <sys/epoll.h>

// A file that exists in memory only; -1 and errno when there can be none.
int memory_file(const char *name);

#endif
