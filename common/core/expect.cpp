#include "common/core/expect.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/core/expect_keys.h"
#include "common/core/json_fields.h"

namespace reversi {
namespace {

constexpr std::size_t kLongestText = 256;
constexpr std::size_t kLongestStatusLine = 8 * 1024;
constexpr int kLeastStatus = 100;
constexpr int kMostStatus = 599;

constexpr std::array<std::pair<Expect::Kind, std::string_view>, 3> kKinds{{
    {Expect::Kind::connect, "connect"},
    {Expect::Kind::banner, "banner"},
    {Expect::Kind::http, "http"},
}};

/// The keys, and for which kind they are; without one for every kind.
constexpr std::array<std::pair<std::string_view, std::optional<Expect::Kind>>, 5> kKeys{{
    {"kind", std::nullopt},
    {"match", Expect::Kind::banner},
    {"send", Expect::Kind::banner},
    {"path", Expect::Kind::http},
    {"status", Expect::Kind::http},
}};

bool is_known(std::string_view key, Expect::Kind kind) {
  return std::ranges::any_of(kKeys, [&](const auto& row) {
    return row.first == key && row.second.value_or(kind) == kind;
  });
}

std::string_view kind_name(Expect::Kind kind) {
  return std::ranges::find(kKinds, kind, &decltype(kKinds)::value_type::first)->second;
}

bool is_path(std::string_view path) {
  return path.starts_with('/') && path.size() <= kLongestText &&
         std::ranges::all_of(path, [](char c) { return c > ' ' && c < '\x7f'; });
}

Result<Expect> validate(Expect expect) {
  if (expect.kind == Expect::Kind::banner && expect.match.empty()) {
    // An empty banner would call a dead port healthy.
    return fail(Errc::config, "match: expected 1 to 256 bytes that the answer starts with");
  }
  if (expect.kind == Expect::Kind::http && !is_path(expect.path)) {
    return fail(Errc::config, "path: expected \"/…\" of at most 256 printable bytes, no space");
  }
  return expect;
}

/// The status code of "HTTP/1.1 200 OK", or 0 when this is no such line.
int status_code(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') return 0;
  int code = 0;
  const auto [end, error] = std::from_chars(line.data() + 9, line.data() + 12, code);
  return error == std::errc{} && end == line.data() + 12 ? code : 0;
}

}  // namespace

Result<Expect> expect_from_json(const Json& doc) {
  Expect expect;
  std::string kind;
  std::int64_t status = expect.status;
  Fields fields(doc);
  fields.need("kind", kind, kLongestText);
  if (!fields.is_good()) return fail(fields.done().error());
  const auto* row =
      std::ranges::find(kKinds, std::string_view(kind), &decltype(kKinds)::value_type::second);
  if (row == kKinds.end()) {
    return fail(Error{Errc::config, "expected \"connect\", \"banner\" or \"http\""}.in("kind"));
  }
  expect.kind = row->first;
  const bool banner = expect.kind == Expect::Kind::banner;
  const bool http = expect.kind == Expect::Kind::http;
  for (const auto& item : doc.items()) {
    const std::string& key = item.key();
    if (!is_known(key, expect.kind)) fields.mistake(key, "unknown key for kind \"" + kind + "\"");
  }
  if (banner) {
    fields.need("match", expect.match, kLongestText).may("send", expect.send, kLongestText);
  }
  if (http) {
    fields.may("path", expect.path, kLongestText);
    fields.may("status", status, kLeastStatus, kMostStatus);
  }
  if (auto ok = fields.done(); !ok) return fail(ok.error());
  expect.status = static_cast<int>(status);
  return validate(std::move(expect));
}

std::vector<std::string_view> expect_keys() {
  std::vector<std::string_view> names;
  for (const auto& [name, kind] : kKeys) names.push_back(name);
  return names;
}

Json expect_to_json(const Expect& expect) {
  Json doc{{"kind", kind_name(expect.kind)}};
  if (expect.kind == Expect::Kind::banner) {
    doc["match"] = expect.match;
    if (!expect.send.empty()) doc["send"] = expect.send;
  }
  if (expect.kind == Expect::Kind::http) {
    doc["path"] = expect.path;
    doc["status"] = expect.status;
  }
  return doc;
}

Result<Expect> parse_expect(std::string_view text) {
  Expect expect;
  const std::size_t equals = text.find('=');
  const std::string_view kind = text.substr(0, equals);
  const bool has_value = equals != std::string_view::npos;
  const std::string_view value = has_value ? text.substr(equals + 1) : std::string_view{};
  if (kind == "connect" && !has_value) return expect;
  if (kind == "banner" && value.size() <= kLongestText && !value.empty()) {
    expect.kind = Expect::Kind::banner;
    expect.match = value;
    return expect;
  }
  if (kind == "http") {
    expect.kind = Expect::Kind::http;
    const std::size_t comma = value.rfind(',');
    if (has_value) expect.path = value.substr(0, comma);
    if (comma == std::string_view::npos) return validate(std::move(expect));
    const std::string_view code = value.substr(comma + 1);
    const auto [end, error] =
        std::from_chars(code.data(), code.data() + code.size(), expect.status);
    const bool good = error == std::errc{} && end == code.data() + code.size() &&
                      expect.status >= kLeastStatus && expect.status <= kMostStatus;
    if (good) return validate(std::move(expect));
  }
  return fail(Errc::config, "\"" + printable(text, 80) +
                                "\" is not connect, banner=PREFIX or http[=PATH[,STATUS]]");
}

std::string format_expect(const Expect& expect) {
  switch (expect.kind) {
    case Expect::Kind::banner:
      return "banner=" + expect.match;
    case Expect::Kind::http:
      return "http=" + expect.path + "," + std::to_string(expect.status);
    case Expect::Kind::connect:
      break;
  }
  return "connect";
}

std::string expect_request(const Expect& expect) {
  if (expect.kind == Expect::Kind::banner) return expect.send;
  if (expect.kind == Expect::Kind::connect) return {};
  return "GET " + expect.path +
         " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: reversi\r\nConnection: close\r\n\r\n";
}

ExpectMatcher::Step ExpectMatcher::step(std::string_view bytes) {
  if (step_ != Step::more) return step_;
  answer_ += bytes.substr(0, kLongestStatusLine - std::min(answer_.size(), kLongestStatusLine));
  return step_ = judge();
}

ExpectMatcher::Step ExpectMatcher::judge() {
  if (expect_.kind == Expect::Kind::connect) return Step::match;
  if (expect_.kind == Expect::Kind::banner) {
    const std::size_t common = std::min(answer_.size(), expect_.match.size());
    if (answer_.compare(0, common, expect_.match, 0, common) != 0) return Step::mismatch;
    return common == expect_.match.size() ? Step::match : Step::more;
  }
  const std::size_t end = answer_.find('\n');
  if (end == std::string::npos) {
    return answer_.size() >= kLongestStatusLine ? Step::mismatch : Step::more;
  }
  return status_code(answer_) == expect_.status ? Step::match : Step::mismatch;
}

ExpectMatcher::Step ExpectMatcher::end() {
  if (step_ == Step::more) step_ = Step::mismatch;
  return step_;
}

std::string ExpectMatcher::mismatch_reason() const {
  const std::string_view line = std::string_view(answer_).substr(0, answer_.find('\n'));
  const std::string came =
      answer_.empty() ? "closed without an answer" : "answered \"" + printable(line, 80) + "\"";
  if (expect_.kind == Expect::Kind::http) {
    return came + ", expected HTTP status " + std::to_string(expect_.status);
  }
  return came + ", expected \"" + printable(expect_.match, 80) + "\"";
}

}  // namespace reversi
