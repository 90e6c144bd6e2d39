// Zig 0.16's C library for MIPS has a pipe(2) that makes the pipe and returns its first descriptor, as the system call does
// there, in place of 0 (seen in qemu-mips). Boost.Process takes that for a failure. Ours comes before the library's.

#include <sys/syscall.h>
#include <unistd.h>

// Not pipe2(), which calls pipe() if there are no flags.
extern "C" int pipe(int* ends) {
  return static_cast<int>(::syscall(SYS_pipe2, ends, 0));
}
