#include "client/worker/run_as.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "client/worker/parent_ties.h"
#include "common/io/system_error.h"

namespace reversi::worker {
namespace {

/// Apple's takes an int, and everybody else's a gid_t.
template <class Group>
int init_groups(int (*call)(const char*, Group), const std::string& user, gid_t group) {
  return call(user.c_str(), static_cast<Group>(group));
}

}  // namespace

Result<void> run_as(const std::string& user) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16 * 1024> buffer;
  const int error = ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) {
    return error != 0 ? fail(errno_error(error, "user " + user))
                      : fail(Errc::not_found, "no user " + user + " on this machine");
  }
  if (::geteuid() == entry.pw_uid && ::getuid() == entry.pw_uid) return {};
  const pid_t parent = ::getppid();
  keep_parent_ties();
  if (init_groups(::initgroups, user, entry.pw_gid) != 0 || ::setgid(entry.pw_gid) != 0 ||
      ::setuid(entry.pw_uid) != 0) {
    return fail(errno_error(errno, "become user " + user));
  }
  if (const auto tied = mend_parent_ties(parent); !tied) return fail(tied.error());
  if (entry.pw_uid != 0 && ::setuid(0) == 0) {
    return fail(Errc::permission, "user " + user + " can become root again");
  }
  return {};
}

}  // namespace reversi::worker
