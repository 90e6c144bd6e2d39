#include "common/cli/options.h"

#include <algorithm>
#include <stdexcept>

namespace reversi {
namespace {

Option& named(OptionTable& table, const std::string& name) {
  const auto found = std::ranges::find(table, name, &Option::name);
  if (found == table.end()) throw std::logic_error("no option " + name);
  return *found;
}

}  // namespace

void Options::text(const std::string& name, std::string& value, const std::string& help,
                   const std::string& type, Need need) {
  table_.push_back({name, type, help, &value, need == Need::required, {}});
}

void Options::list(const std::string& name, std::vector<std::string>& values,
                   const std::string& help, const std::string& type, Need need) {
  table_.push_back({name, type, help, &values, need == Need::required, {}});
}

void Options::words(const std::string& name, std::vector<std::string>& values,
                    const std::string& help) {
  table_.push_back({name, {}, help, &values, /*is_required=*/true, {}});
}

void Options::flag(const std::string& name, bool& value, const std::string& help, Need need) {
  table_.push_back({name, {}, help, &value, need == Need::required, {}});
}

void Options::exclude(const std::string& one, const std::string& other) {
  named(table_, one).excludes.push_back(other);
  named(table_, other).excludes.push_back(one);
}

}  // namespace reversi
