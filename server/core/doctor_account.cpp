// What keeps sshd from letting a node in as the account, or lets somebody else in: the account and its
// authorized_keys.

#include <algorithm>
#include <array>
#include <set>

#include "server/core/doctor.h"

namespace reversi::server {
namespace {

constexpr std::string_view kReinstall = "reversi-server setup --user writes every node's line anew";

std::string_view last_part(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool refuses_commands(std::string_view shell) {
  constexpr std::array<std::string_view, 5> kRefusing{"nologin", "false", "true", "git-shell",
                                                      "rssh"};
  return std::ranges::find(kRefusing, last_part(shell)) != kRefusing.end();
}

bool has_value(const DoctorFacts& f, std::string_view keyword, std::string_view value) {
  const auto found = f.sshd.settings.find(keyword);
  return found != f.sshd.settings.end() && !found->second.empty() && found->second.front() == value;
}

bool is_locked(const AccountFacts& account) {
  return account.password && (account.password->starts_with('!') || *account.password == "*LK*");
}

std::int64_t today(const DoctorFacts& f) {
  return std::chrono::floor<std::chrono::days>(f.now).time_since_epoch().count();
}

/// The line of a node for one of its keys: as it should be, and as it is.
struct LinePair {
  const DoctorNode& node;
  const std::string& wanted;
  const KeyLine* present = nullptr;  ///< with the same key; nullptr = there is none
};

/// "TYPE BLOB": what comes after the options, without the comment.
std::string_view key_of(std::string_view line) {
  bool is_quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') is_quoted = !is_quoted;
    if (line[i] != ' ' || is_quoted) continue;
    const std::string_view key = line.substr(i + 1);
    return key.substr(0, key.find(' ', key.find(' ') + 1));
  }
  return {};
}

std::string_view options_of(std::string_view line) {
  const std::string_view key = key_of(line);
  return key.empty() ? line : line.substr(0, static_cast<std::size_t>(key.data() - line.data()));
}

/// One option outside of quotes: `restrict`, or with its value's beginning: `permitlisten="`.
bool has_option(std::string_view line, std::string_view option) {
  const std::string_view options = options_of(line);
  bool is_quoted = false;
  for (std::size_t i = 0; i < options.size(); ++i) {
    const bool is_start = !is_quoted && (i == 0 || options[i - 1] == ',');
    if (is_start && options.substr(i).starts_with(option)) return true;
    if (options[i] == '"') is_quoted = !is_quoted;
  }
  return false;
}

bool may_forward(std::string_view line) {
  return !has_option(line, "restrict") || has_option(line, "port-forwarding");
}

std::vector<LinePair> line_pairs(const DoctorFacts& f) {
  std::vector<LinePair> pairs;
  if (!f.keys.problem.empty()) return pairs;
  std::map<std::pair<std::string_view, std::string_view>, const KeyLine*> present;
  for (const KeyLine& line : f.keys.lines) {
    if (!line.node.empty()) present[{line.node, key_of(line.text)}] = &line;
  }
  for (const DoctorNode& node : f.nodes) {
    for (const std::string& wanted : node.lines) {
      const auto found = present.find({node.name, key_of(wanted)});
      pairs.push_back({node, wanted, found == present.end() ? nullptr : found->second});
    }
  }
  return pairs;
}

std::string named(const DoctorFacts& f, const LinePair& pair) {
  return f.keys.path + " line " + std::to_string(pair.present->number) + ", node " + pair.node.name;
}

/// A line that lacks `option` in a way that lets it do more than it should.
Found lines_without(const DoctorFacts& f, std::string_view option, const std::string& so) {
  Found found;
  for (const LinePair& pair : line_pairs(f)) {
    if (pair.present == nullptr || has_option(pair.present->text, option)) continue;
    if (option != "restrict" && !may_forward(pair.present->text)) continue;
    const std::string_view name = option.substr(0, option.find('='));
    found.emplace_back(named(f, pair) + ": has no " + std::string(name) + ": " + so, kReinstall);
  }
  return found;
}

bool is_told_elsewhere(const LinePair& pair) {
  const std::string& text = pair.present->text;
  return text == pair.wanted || !has_option(text, "restrict") ||
         (may_forward(text) &&
          !(has_option(text, "permitlisten=\"") && has_option(text, "permitopen=\"")));
}

}  // namespace

Found strict_modes_problems(const std::string& file, const std::vector<PathFacts>& way,
                            std::int64_t uid, const std::string& account) {
  Found found;
  for (const PathFacts& part : way) {
    if (part.uid != 0 && part.uid != uid) {
      found.emplace_back(part.path + " belongs to another user: sshd ignores " + file,
                         "chown " + account + ' ' + part.path);
    } else if ((part.mode & 0022) != 0) {
      found.emplace_back(part.path + " is writable by others: sshd ignores " + file,
                         "chmod go-w " + part.path);
    }
  }
  return found;
}

std::vector<DoctorRow> doctor_account_rows() {
  using enum Severity;
  using F = DoctorFacts;
  return {
      {"shell", serious,
       [](const F& f) -> Found {
         const AccountFacts& a = f.account;
         if (a.is_shell_executable && !refuses_commands(a.shell)) return {};
         return {{"the shell of " + a.name + " is " + (a.shell.empty() ? "not set" : a.shell) +
                      ", which does not run the agent",
                  "usermod --shell /bin/sh " + a.name}};
       }},
      {"password_locks", serious,
       [](const F& f) -> Found {
         if (!is_locked(f.account) || !has_value(f, "usepam", "no")) return {};
         return {{"the password field of " + f.account.name + " is \"" +
                      f.account.password->substr(0, 1) +
                      "…\" and UsePAM is no: sshd refuses its keys, too",
                  "usermod --password '*' " + f.account.name}};
       }},
      {"password_would_lock", note,
       [](const F& f) -> Found {
         if (!is_locked(f.account) || has_value(f, "usepam", "no")) return {};
         return {{"the password field of " + f.account.name +
                      " is locked: with UsePAM no, sshd would refuse its keys, too",
                  "usermod --password '*' " + f.account.name}};
       }},
      {"shadow_unread", note,
       [](const F& f) -> Found {
         if (f.account.password) return {};
         return {{"the password field and expiry of " + f.account.name + " were not looked at",
                  "run reversi-server doctor with sudo"}};
       }},
      {"account_expired", serious,
       [](const F& f) -> Found {
         if (!f.account.expires_day || *f.account.expires_day > today(f)) return {};
         return {{"the account " + f.account.name + " has expired: no node can log in",
                  "chage --expiredate -1 " + f.account.name}};
       }},
      {"account_expires", warning,
       [](const F& f) -> Found {
         if (!f.account.expires_day || *f.account.expires_day <= today(f)) return {};
         return {{"the account " + f.account.name + " expires in " +
                      std::to_string(*f.account.expires_day - today(f)) +
                      " days: then no node can log in",
                  "chage --expiredate -1 " + f.account.name}};
       }},
      {"password_expired", serious,
       [](const F& f) -> Found {
         if (!f.account.must_change_password || has_value(f, "usepam", "no")) return {};
         return {{"the password of " + f.account.name +
                      " has to be changed at the next login: with UsePAM no node gets further",
                  "chage --lastday -1 --maxdays -1 " + f.account.name}};
       }},
      {"strict_modes", serious,
       [](const F& f) -> Found {
         if (has_value(f, "strictmodes", "no")) return {};
         return strict_modes_problems(f.keys.path, f.keys.way, f.account.uid, f.account.name);
       }},
      {"keys_file", serious,
       [](const F& f) -> Found {
         if (f.keys.problem.empty() || f.is_policy_broken) return {};  // server.json says it then
         return {{f.keys.problem, std::string(kReinstall)}};
       }},
      {"keys_line_missing", serious,
       [](const F& f) -> Found {
         Found found;
         if (asks_our_command(f)) return found;
         for (const LinePair& pair : line_pairs(f)) {
           if (pair.present != nullptr) continue;
           found.emplace_back(
               f.keys.path + " has no line for a key of node " + pair.node.name + ": it is refused",
               kReinstall);
         }
         return found;
       }},
      {"keys_line_unrestricted", serious,
       [](const F& f) {
         return lines_without(f, "restrict", "the key may do what a person's may");
       }},
      {"keys_line_listens_anywhere", serious,
       [](const F& f) {
         return lines_without(f, "permitlisten=\"", "the node may take every port of the others");
       }},
      {"keys_line_opens_anything", serious,
       [](const F& f) {
         return lines_without(f, "permitopen=\"",
                              "the node reaches every other node and every local service");
       }},
      {"keys_line_gone_program", serious,
       [](const F& f) -> Found {
         Found found;
         for (const std::string& path : f.keys.gone_executables) {
           found.emplace_back(f.keys.path + ": lines of nodes run " + path + ", which is not there",
                              kReinstall);
         }
         return found;
       }},
      {"keys_line_differs", warning,
       [](const F& f) -> Found {
         Found found;
         for (const LinePair& pair : line_pairs(f)) {
           if (pair.present == nullptr || is_told_elsewhere(pair)) continue;
           const bool is_other_path = pair.present->text.find("exec " + f.keys.executable +
                                                              " agent ") == std::string::npos;
           found.emplace_back(
               named(f, pair) + (is_other_path ? ": runs another program than " + f.keys.executable
                                               : ": does not say what is registered"),
               kReinstall);
         }
         return found;
       }},
      {"keys_line_of_nobody", warning,
       [](const F& f) -> Found {
         Found found;
         std::set<std::string_view> known{""};
         for (const DoctorNode& node : f.nodes) known.insert(node.name);
         for (const KeyLine& line : f.keys.lines) {
           if (known.contains(line.node)) continue;
           found.emplace_back(f.keys.path + " line " + std::to_string(line.number) +
                                  " is of node " + line.node + ", which is not registered",
                              "remove the line, or register the node");
         }
         return found;
       }},
      {"foreign_keys", warning,
       [](const F& f) -> Found {
         std::string numbers;
         std::size_t count = 0;
         for (const KeyLine& line : f.keys.lines) {
           if (line.is_inside) continue;
           if (++count <= 5) numbers += (count > 1 ? ", " : "") + std::to_string(line.number);
         }
         if (count == 0) return {};
         return {{f.keys.path + " has " + std::to_string(count) +
                      " keys that are no nodes' (line " + numbers + (count > 5 ? ", …" : "") +
                      "): whoever holds one rules over all nodes of " + f.account.name,
                  "give nodes an account of their own"}};
       }},
  };
}

}  // namespace reversi::server
