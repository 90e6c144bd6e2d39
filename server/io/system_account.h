#pragma once
// The account that nodes log in to, as `setup --system` finds or makes it. Only root may change it.

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/core/error.h"

namespace reversi::server {

struct SystemAccount {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home;
  std::string shell;
};
[[nodiscard]] std::optional<SystemAccount> find_account(const std::string& name);

/// A system user with /bin/sh, the password field "*" (no password, and not "locked", which an sshd
/// without PAM refuses) and no home directory made.
/// @errors  io, not_found  useradd's own words
[[nodiscard]] Result<SystemAccount> make_account(const std::string& name, const std::string& home);
[[nodiscard]] Result<void> remove_account(const std::string& name);

/// Why nodes could not log in to an account that exists, or a person no more once it is theirs, with
/// the cure; empty if it can be taken. Only root sees whether there is a password.
[[nodiscard]] std::string account_problem(const SystemAccount& account);
/// A password field that locks the account and holds no password ("!", "!!") becomes "*". Returns what
/// it was, for set_password_field(); empty if nothing had to be done.
[[nodiscard]] Result<std::string> unlock_account(const SystemAccount& account);
[[nodiscard]] Result<void> set_password_field(const std::string& name, const std::string& field);
[[nodiscard]] Result<void> set_home(const std::string& name, const std::string& home);

/// sshd runs a command only if it and all directories above are root's and nobody else may write
/// there. Why that is not so, with the cure; empty if it is.
[[nodiscard]] std::string command_path_problem(const std::string& path);

}  // namespace reversi::server
