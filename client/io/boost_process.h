#pragma once
// Boost.Process v2 with what it needs: 1.81 relies on headers that it does not include, and on a C library that knows
// close_range(2).

/// Ends of processes are heard of by SIGCHLD, as on macOS. With pidfd_open(2) a kernel that lacks it (Linux before 5.3)
/// or a filter that refuses it (containers) makes Boost throw, once the program was started.
#define BOOST_PROCESS_V2_DISABLE_PIDFD_OPEN 1

#include <optional>

#include <boost/optional.hpp>
#include <boost/type_traits.hpp>

#ifdef REVERSI_LACKS_CLOSE_RANGE
#include <sys/syscall.h>
#include <unistd.h>

/// musl has none before 1.2.6. A kernel without it closes nothing, and worker_process.cpp sees to the descriptors itself.
inline long close_range(unsigned first, unsigned last, unsigned flags) {
  return ::syscall(SYS_close_range, first, last, flags);
}
#endif

#include <boost/process/v2/process.hpp>
