#include "common/manual/markdown.h"

#include <cctype>
#include <vector>

#include "common/manual/mdoc.h"

namespace reversi::manual {
namespace {

/// One line of text with its `code`, **bold** and *emphasised* words in the fonts for them.
std::string inline_text(std::string_view text) {
  std::string out;
  std::string plain;
  const auto flush = [&] {
    out += prose(plain);
    plain.clear();
  };
  while (!text.empty()) {
    const std::string_view mark = text.starts_with("**")  ? "**"
                                  : text.starts_with('`') ? "`"
                                  : text.starts_with('*') ? "*"
                                                          : "";
    const auto end = mark.empty() ? std::string_view::npos : text.find(mark, mark.size());
    if (end == std::string_view::npos) {
      plain += text.front();
      text.remove_prefix(1);
      continue;
    }
    flush();
    out += (mark == "*" ? "\\fI" : "\\fB") + typed(text.substr(mark.size(), end - mark.size())) +
           "\\fR";
    text.remove_prefix(end + mark.size());
  }
  flush();
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> cells_of(std::string_view row) {
  row = trimmed(row);
  row.remove_prefix(1);  // the bar in front
  std::vector<std::string_view> cells;
  for (bool in_code = false; !row.empty();) {
    std::size_t end = 0;
    while (end < row.size() && (row[end] != '|' || in_code)) {
      if (row[end] == '`') in_code = !in_code;
      ++end;
    }
    cells.push_back(trimmed(row.substr(0, end)));
    row.remove_prefix(std::min(end + 1, row.size()));
  }
  return cells;
}

/// A row of a table: its first cell is the term; the last is what it means, those between are in parentheses.
std::string table_row(std::string_view line) {
  const auto cells = cells_of(line);
  std::string between;
  for (std::size_t at = 1; at + 1 < cells.size(); ++at) {
    if (cells[at].empty()) continue;
    between += (between.empty() ? "" : "; ") + inline_text(cells[at]);
  }
  std::string term(cells.empty() ? "" : cells[0]);
  std::erase(term, '`');
  std::string text = ".It " + argument(term) + '\n';
  if (!between.empty()) text += "(" + between + ")\n";
  if (cells.size() > 1 && !cells.back().empty()) text += inline_text(cells.back()) + '\n';
  return text;
}

bool is_rule(std::string_view row) {
  return row.find_first_not_of("|- :") == std::string_view::npos;
}

std::string upper(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

/// Writes block after block; one list or table at most is open.
class Writer {
 public:
  void line(std::string_view text) {
    if (text.starts_with('|')) return table(text);
    if (text.starts_with("# ")) return;
    if (text.starts_with("## ")) return heading(".Sh " + argument(upper(text.substr(3))));
    if (text.starts_with("### ")) return heading(".Ss " + argument(text.substr(4)));
    if (text.starts_with("- ")) return item(text.substr(2));
    if (text.empty()) {
      paragraph_due_ = true;
      return;
    }
    if (open_ == Open::list && text.starts_with("  ")) return put(inline_text(trimmed(text)));
    close();
    paragraph();
    put(inline_text(text));
  }
  std::string done() {
    close();
    return std::move(out_);
  }

 private:
  enum class Open { nothing, list, table };

  void put(const std::string& text) {
    out_ += text + '\n';
    below_heading_ = false;
  }
  void close() {
    if (open_ == Open::nothing) return;
    put(".El");
    open_ = Open::nothing;
    paragraph_due_ = true;
  }
  void heading(const std::string& macro) {
    close();
    put(macro);
    paragraph_due_ = false;
    below_heading_ = true;
  }
  void paragraph() {
    if (paragraph_due_ && !below_heading_ && !out_.empty()) put(".Pp");
    paragraph_due_ = false;
  }
  void item(std::string_view text) {
    if (open_ != Open::list) {
      close();
      put(".Bl -bullet");
      open_ = Open::list;
    }
    put(".It\n" + inline_text(text));
    paragraph_due_ = false;
  }
  void table(std::string_view row) {
    if (open_ != Open::table) {
      close();
      open_ = Open::table;
      put(".Bl -tag -width Ds");  // the row is the table's head: the terms speak for themselves
      paragraph_due_ = false;
      return;
    }
    if (!is_rule(row)) out_ += table_row(row);
  }

  std::string out_;
  Open open_ = Open::nothing;
  bool paragraph_due_ = false;
  bool below_heading_ = false;  ///< which makes room by itself
};

}  // namespace

std::string mdoc_of_markdown(std::string_view text) {
  Writer writer;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    writer.line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return writer.done();
}

}  // namespace reversi::manual
