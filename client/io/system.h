#pragma once
// What differs between systems around processes and the machine: system_linux.cpp, one file each.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/io/unique_fd.h"

namespace reversi::client {

/// The absolute path of the running program.
[[nodiscard]] Result<std::string> executable_path();

/// Where root's run directories are: /run exists on Linux only.
[[nodiscard]] std::string default_run_root();

/// What exec() takes to start this very program again, even if its file was replaced since.
[[nodiscard]] Result<std::string> own_program();

/// True if the process is stopped by a signal (state T). False where the system does not tell.
[[nodiscard]] bool is_stopped(pid_t pid);

/// In a child between fork and exec: have the kernel SIGKILL us when the parent ends. False if it
/// has ended already.
[[nodiscard]] bool die_with_parent(pid_t parent);

/// The process at the other end of a Unix socket. Nothing if it is none of this process namespace.
[[nodiscard]] std::optional<pid_t> peer_process(int socket_fd);

/// What tells this machine from others: the addresses that its network hardware was made with, sorted. Bridges, containers
/// and addresses that were set or made up are left out: they come and go, and two machines may have the same.
/// @param interfaces  where Linux lists them
[[nodiscard]] std::vector<std::string> hardware_addresses(
    const std::string& interfaces = "/sys/class/net");
/// The same in this boot, as text: the boot id besides.
[[nodiscard]] std::string machine_facts();

/// A spelling of a socket's path that fits a sockaddr_un (107 bytes); valid while `holder` is open.
struct SocketPath {
  std::string text;
  UniqueFd holder;
};
/// @errors  not_found, permission  the directory cannot be opened
[[nodiscard]] Result<SocketPath> socket_path(const std::string& directory, const std::string& name);

}  // namespace reversi::client
