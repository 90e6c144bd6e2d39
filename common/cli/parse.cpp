#include "common/cli/parse.h"

#include <algorithm>
#include <optional>

#include "common/core/nearest.h"

namespace reversi {
namespace {

class Parser {
 public:
  Parser(const OptionTable& table, std::span<const std::string> words)
      : table_(table), words_(words) {
    given_.values.resize(table.size());
  }

  Result<Given> parse() {
    bool is_ended = false;
    while (next_ < words_.size()) {
      const std::string& word = words_[next_++];
      if (is_ended || !looks_like_option(word)) {
        take_argument(word);
      } else if (word == "--") {
        is_ended = true;
      } else if (is_help(word)) {
        return Given{.wants_help = true, .values = {}};
      } else {
        take_option(word);
      }
    }
    if (mistake_.empty()) check();
    if (!mistake_.empty()) return fail(Errc::usage, mistake_);
    return std::move(given_);
  }

 private:
  /// Only the first is said: what follows may come of it.
  void mistaken(std::string what) {
    if (mistake_.empty()) mistake_ = std::move(what);
  }

  void take_argument(const std::string& word) {
    for (std::size_t i = 0; i < table_.size(); ++i) {
      const bool has_room = given_.values[i].empty() || table_[i].is_repeated();
      if (!table_[i].is_positional() || !has_room) continue;
      given_.values[i].push_back(word);
      return;
    }
    mistaken("unexpected argument \"" + word + "\"");
  }

  void take_option(const std::string& word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (is_help(name)) return mistaken(name + " takes no value");
    const auto row = std::ranges::find(table_, name, &Option::name);
    if (row == table_.end()) return unknown(name);
    std::optional<std::string> value;
    if (equals != std::string::npos) value = word.substr(equals + 1);
    auto& values = given_.values[static_cast<std::size_t>(row - table_.begin())];
    if (row->is_flag()) {
      if (value) return mistaken(name + " takes no value");
      values.emplace_back();
      return;
    }
    if (!value && next_ < words_.size()) value = words_[next_++];
    if (!value) {
      return mistaken(name + " needs a value" + (row->type.empty() ? "" : ": ") + row->type);
    }
    if (!values.empty() && !row->is_repeated()) return mistaken(name + " is given twice");
    values.push_back(*value);
  }

  void unknown(const std::string& name) {
    std::vector<std::string_view> known = {"--help"};
    std::string hint;
    for (const Option& row : table_) {
      if (!row.is_positional()) {
        known.push_back(row.name);
      } else if (row.is_repeated()) {  // an option of another program: `import autossh -M 0`
        hint = "; " + row.name + " with dashes go after --";
      }
    }
    const std::string near = did_you_mean(name, known);
    mistaken("unknown option " + name + (near.empty() ? hint : near));
  }

  /// What only the end can tell: something is missing, or two exclude each other.
  void check() {
    for (std::size_t i = 0; i < table_.size(); ++i) {
      if (table_[i].is_required && given_.values[i].empty()) {
        mistaken(table_[i].name + " is required");
      }
    }
    for (const Option& row : table_) {
      for (const std::string& other : row.excludes) {
        if (is_given(row.name) && is_given(other)) {
          mistaken(row.name + " and " + other + " cannot be given together");
        }
      }
    }
  }

  bool is_given(const std::string& name) const {
    const auto row = std::ranges::find(table_, name, &Option::name);
    return !given_.values[static_cast<std::size_t>(row - table_.begin())].empty();
  }

  const OptionTable& table_;
  std::span<const std::string> words_;
  std::size_t next_ = 0;
  Given given_;
  std::string mistake_;
};

struct Write {
  const std::vector<std::string>& values;

  void operator()(bool* target) const { *target = true; }
  void operator()(std::string* target) const { *target = values.front(); }
  void operator()(std::vector<std::string>* target) const { *target = values; }
};

}  // namespace

Result<Given> parse_options(const OptionTable& table, std::span<const std::string> words) {
  return Parser(table, words).parse();
}

void store(const OptionTable& table, const Given& given) {
  for (std::size_t i = 0; i < table.size() && i < given.values.size(); ++i) {
    if (!given.values[i].empty()) std::visit(Write{given.values[i]}, table[i].target);
  }
}

bool is_help(std::string_view word) {
  return word == "-h" || word == "--help";
}

bool looks_like_option(std::string_view word) {
  return word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9');
}

}  // namespace reversi
