#include "common/manual/template.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>

namespace reversi::manual {
namespace {

constexpr std::size_t kMostLineBytes = 80;  // what `mandoc -Tlint` lets pass

int complain(const std::string& file, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", file.c_str(), what.c_str());
  return 1;
}

/// Where a text line is to be broken, or npos. A line that began with '.' or '\'' would be a macro.
std::size_t break_of(std::string_view line) {
  if (line.size() <= kMostLineBytes || line.front() == '.') return std::string_view::npos;
  for (auto at = line.rfind(' ', kMostLineBytes); at != std::string_view::npos && at > 0;
       at = line.rfind(' ', at - 1)) {
    if (at + 1 < line.size() && line[at + 1] != '.' && line[at + 1] != '\'') return at;
  }
  return std::string_view::npos;
}

}  // namespace

std::string wrap(std::string_view page) {
  std::string out;
  bool literal = false;
  while (!page.empty()) {
    auto end = page.find('\n');
    std::string_view line = page.substr(0, end);
    if (line.starts_with(".Bd -literal")) literal = true;
    if (line == ".Ed") literal = false;
    if (const auto at = break_of(line); !literal && at != std::string_view::npos) {
      line = line.substr(0, at);
      end = at;
    }
    out += line;
    out += '\n';
    page.remove_prefix(end == std::string_view::npos ? page.size() : end + 1);
  }
  return out;
}

Result<std::string> fill(std::string_view page, const Parts& parts) {
  std::string out;
  std::set<std::string> used;
  while (!page.empty()) {
    const auto end = page.find('\n');
    const std::string line(page.substr(0, end));
    page.remove_prefix(end == std::string_view::npos ? page.size() : end + 1);
    if (line.size() < 3 || line.front() != '@' || line.back() != '@') {
      out += line + '\n';
      continue;
    }
    const auto part = parts.find(line.substr(1, line.size() - 2));
    if (part == parts.end()) return fail(Errc::config, line + ": there is no such part");
    used.insert(part->first);
    out += part->second;
  }
  for (const auto& [name, text] : parts) {
    if (!used.contains(name)) return fail(Errc::config, "no line @" + name + "@");
  }
  return out;
}

int write_text(const std::string& out, const std::string& text) {
  std::ofstream file(out, std::ios::binary);
  file << text;
  file.close();
  return file ? 0 : complain(out, "cannot be written");
}

int write_page(const std::string& page, const std::string& out, const Parts& parts) {
  std::ifstream file(page, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.good() && text.empty()) return complain(page, "cannot be read");
  const auto filled = fill(text, parts);
  return filled ? write_text(out, wrap(*filled)) : complain(page, filled.error().line());
}

}  // namespace reversi::manual
