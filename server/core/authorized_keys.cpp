#include "server/core/authorized_keys.h"

#include <algorithm>
#include <optional>
#include <set>

#include "server/core/grants.h"

namespace reversi::server {
namespace {

constexpr std::string_view kBegin = "# BEGIN reversi (written by reversi-server; edits are lost)";
constexpr std::string_view kBeginMark = "# BEGIN reversi";
constexpr std::string_view kEnd = "# END reversi";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("/._+,@:=-").find(c) != std::string_view::npos;
}

/// A path as one word of the forced command. sshd ends the option at a double quote and takes a
/// backslash before one away; the account's shell, of whatever kind, does the rest: so what any of
/// them could read differently is refused, and what is odd but harmless stands in single quotes.
Result<std::string> quote_path(const std::string& path) {
  if (!path.starts_with('/')) return fail(Errc::config, "\"" + path + "\" is not an absolute path");
  const auto is_dangerous = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F ||
           std::string_view("\"'`$\\!").find(c) != std::string_view::npos;
  };
  if (std::ranges::any_of(path, is_dangerous)) {
    return fail(Errc::config, "the path " + path +
                                  " has a quote, backslash, $, ` or ! in it, which "
                                  "cannot be put into authorized_keys; move it");
  }
  return std::ranges::all_of(path, is_plain) ? path : "'" + path + "'";
}

std::string option(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + std::string(value) + "\"";
}

Result<std::string> forced_command(const NodeRecord& record, const AgentCommand& command,
                                   const PublicKey& key) {
  const auto executable = quote_path(command.executable);
  if (!executable) return executable;
  const auto state_dir = quote_path(command.state_dir);
  if (!state_dir) return state_dir;
  // exec: the agent's parent must be the session's sshd and no shell between them.
  std::string text = "exec " + *executable + " agent --node " + record.node.text();
  for (const NodeForward& forward : record.forwards) text += " --grant " + format_grant(forward);
  // sshd tells a forced command of no key: the one in rotation names itself (ADR 15).
  if (is_next_key(record, key)) text += " --key " + key.blob;
  return text + " --state-dir " + *state_dir;
}

std::string_view without_end(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// Lines with their ends.
std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

bool is_begin(std::string_view line) {
  line = without_end(line);
  return line == kBeginMark || line.starts_with(std::string(kBeginMark) + ' ');
}
bool is_end(std::string_view line) {
  return without_end(line) == kEnd;
}

/// The first and one past the last line between the marks.
struct Block {
  std::size_t begin = 0;
  std::size_t end = 0;
};

Result<std::optional<Block>> find_block(const std::vector<std::string_view>& lines) {
  const auto begins = std::ranges::count_if(lines, is_begin);
  const auto ends = std::ranges::count_if(lines, is_end);
  if (begins == 0 && ends == 0) return std::nullopt;
  const auto begin = std::ranges::find_if(lines, is_begin) - lines.begin();
  const auto end = std::ranges::find_if(lines, is_end) - lines.begin();
  if (begins == 1 && ends == 1 && begin < end) {
    return Block{static_cast<std::size_t>(begin) + 1, static_cast<std::size_t>(end)};
  }
  return fail(Errc::config, "the block between \"" + std::string(kBeginMark) + "\" and \"" +
                                std::string(kEnd) +
                                "\" is damaged; there must be each once, in "
                                "this order");
}

/// Whose a line of the block is: the node's name, or nothing if it is another state directory's. The
/// command stands before the key and its comment, so the first mark is the command's.
std::string_view owner_of(std::string_view line, const std::string& state_dir) {
  constexpr std::string_view kMark = " agent --node ";
  constexpr std::string_view kOption = " --state-dir ";
  const std::size_t at = line.find(kMark);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + kMark.size());
  const std::string_view name = line.substr(0, line.find(' '));
  const std::size_t option_at = line.find(kOption);
  if (option_at == std::string_view::npos) return {};
  std::string_view value = line.substr(option_at + kOption.size());
  value = value.substr(0, value.find('"'));
  return value == state_dir || value == "'" + state_dir + "'" ? name : std::string_view{};
}

bool names_key(std::string_view line, const PublicKey& key) {
  return !line.starts_with('#') && line.find(' ' + key.blob) != std::string_view::npos;
}

std::string join(const std::vector<std::string_view>& lines, std::size_t from, std::size_t to) {
  std::string text;
  for (std::size_t i = from; i < to; ++i) text += lines[i];
  return text;
}

}  // namespace

Result<std::vector<std::string>> authorized_lines(const NodeRecord& record,
                                                  const AgentCommand& command) {
  std::string options;
  if (!record.from.empty()) {
    std::string ranges;
    for (const std::string& range : record.from) ranges += (ranges.empty() ? "" : ",") + range;
    options = option("from", ranges) + ',';
  }
  options += "restrict";
  if (record.enabled && !record.forwards.empty()) {
    options += ",port-forwarding";
    for (const NodeForward& forward : record.forwards) {
      const std::string listen = format_listen(forward.port);
      options += ',' + option("permitlisten", listen) + ',' + option("permitopen", listen);
    }
  }
  std::vector<std::string> lines;
  for (const PublicKey& key : record.keys) {
    const auto forced = forced_command(record, command, key);
    if (!forced) return fail(forced.error());
    lines.push_back(options + ',' + option("command", *forced) + ' ' + format_public_key(key));
  }
  return lines;
}

bool is_key_outside_block(std::string_view text, const PublicKey& key) {
  const auto lines = split_lines(text);
  const auto block = find_block(lines);
  const Block ours = block && block->has_value() ? **block : Block{};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool is_inside = i >= ours.begin && i < ours.end;
    if (!is_inside && names_key(lines[i], key)) return true;
  }
  return false;
}

bool has_lines(std::string_view text, const NodeName& node, const std::string& state_dir) {
  return std::ranges::any_of(split_lines(text), [&](std::string_view line) {
    return owner_of(line, state_dir) == node.text();
  });
}

Result<std::string> replace_lines(std::string_view text, const NodeName& node,
                                  const std::string& state_dir,
                                  const std::vector<std::string>& lines) {
  return replace_all_lines(text, state_dir, {{node.text(), lines}});
}

Result<std::string> replace_all_lines(std::string_view text, const std::string& state_dir,
                                      const NodeLines& nodes) {
  const auto present = split_lines(text);
  const auto block = find_block(present);
  if (!block) return fail(block.error());
  const Block at = block->value_or(Block{present.size(), present.size()});
  std::string inside;
  std::set<std::string_view> placed;
  const auto place = [&](const NodeLines::value_type& node) {
    if (!placed.insert(node.first).second) return;
    for (const std::string& line : node.second) inside += line + '\n';
  };
  for (std::size_t i = at.begin; i < at.end; ++i) {
    const auto owner = nodes.find(owner_of(present[i], state_dir));
    owner == nodes.end() ? void(inside += present[i]) : place(*owner);
  }
  for (const auto& node : nodes) place(node);
  const std::size_t before_end = block->has_value() ? at.begin - 1 : at.begin;
  const std::size_t after_begin = block->has_value() ? at.end + 1 : at.end;
  std::string before = join(present, 0, before_end);
  const std::string after = join(present, after_begin, present.size());
  if (inside.empty()) return before + after;
  if (!before.empty() && !before.ends_with('\n')) before += '\n';
  return before + std::string(kBegin) + '\n' + inside + std::string(kEnd) + '\n' + after;
}

Result<std::vector<KeyLine>> read_key_lines(std::string_view text, const std::string& state_dir) {
  const auto lines = split_lines(text);
  const auto block = find_block(lines);
  if (!block) return fail(block.error());
  const Block ours = block->value_or(Block{});
  std::vector<KeyLine> found;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = without_end(lines[i]);
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos || line[begin] == '#') continue;
    const bool is_inside = i >= ours.begin && i < ours.end;
    const std::string_view node = is_inside ? owner_of(line, state_dir) : std::string_view{};
    found.push_back({static_cast<int>(i) + 1, std::string(line), is_inside, std::string(node)});
  }
  return found;
}

}  // namespace reversi::server
