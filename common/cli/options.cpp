#include "common/cli/options.h"

#include <CLI/CLI.hpp>

namespace reversi {

void Options::text(const std::string& name, std::string& value, const std::string& help,
                   const std::string& type, Need need) {
  CLI::Option* option = app_.add_option(name, value, help)->required(need == Need::required);
  if (!type.empty()) option->type_name(type);
}

void Options::list(const std::string& name, std::vector<std::string>& values,
                   const std::string& help, const std::string& type, Need need) {
  app_.add_option(name, values, help)
      ->type_name(type)
      ->allow_extra_args(false)
      ->required(need == Need::required);
}

void Options::words(const std::string& name, std::vector<std::string>& values,
                    const std::string& help) {
  app_.add_option(name, values, help)->required(true);
}

void Options::flag(const std::string& name, bool& value, const std::string& help, Need need) {
  app_.add_flag(name, value, help)->required(need == Need::required);
}

void Options::exclude(const std::string& one, const std::string& other) {
  app_.get_option(one)->excludes(app_.get_option(other));
}

}  // namespace reversi
