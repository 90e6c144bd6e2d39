// Preloaded into a program, this shifts what the program takes for the time of day by the seconds in the file that
// REVERSI_FAULT_CLOCK names (one int64, mapped, so that a change is seen at once). A time namespace shifts only the
// monotonic clocks, and the machine's own clock is not ours to step. What the kernel writes by itself, such as the time
// of a file's change, stays unshifted.
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t kNone = 0;
static const volatile int64_t* shift_s = &kNone;

// At the start: an agent clears its environment before it looks at a clock.
__attribute__((constructor)) static void map_file(void) {
  const char* path = getenv("REVERSI_FAULT_CLOCK");
  const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* map = mmap(NULL, sizeof *shift_s, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (map != MAP_FAILED) shift_s = map;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  const int result = (int)syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += *shift_s;
  return result;
}

int gettimeofday(struct timeval* restrict time, void* restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* where) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (where) *where = now.tv_sec;
  return now.tv_sec;
}
