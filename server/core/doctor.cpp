#include "server/core/doctor.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"
#include "common/core/word_table.h"

namespace reversi::server {
namespace {

constexpr WordTable<Severity, 3> kSeverities{
    {{{Severity::serious, "serious"}, {Severity::warning, "warning"}, {Severity::note, "note"}}}};
constexpr std::size_t kMostWords = 1000;

std::string count_text(const std::vector<Finding>& findings, Severity severity) {
  const auto count = std::ranges::count(findings, severity, &Finding::severity);
  if (count == 0) return {};
  const bool takes_s = count > 1 && severity != Severity::serious;
  return std::to_string(count) + ' ' + std::string(kSeverities.name(severity)) +
         (takes_s ? "s" : "");
}

}  // namespace

SshdSettings parse_sshd_settings(std::string_view text) {
  SshdSettings settings;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto space = line.find(' ');
    if (line.empty() || space == 0) continue;
    const std::string_view value =
        space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
    settings[std::string(line.substr(0, space))].emplace_back(value);
  }
  return settings;
}

SshdVersion parse_sshd_version(std::string_view text) {
  constexpr std::string_view kMark = "OpenSSH_";
  const auto at = text.find(kMark);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + kMark.size());
  SshdVersion version;
  const auto major = std::from_chars(rest.data(), rest.data() + rest.size(), version.major);
  if (major.ec != std::errc{} || major.ptr == rest.data() + rest.size() || *major.ptr != '.') {
    return {};
  }
  const auto minor = std::from_chars(major.ptr + 1, rest.data() + rest.size(), version.minor);
  return minor.ec == std::errc{} ? version : SshdVersion{};
}

std::vector<DoctorRow> doctor_rows() {
  std::vector<DoctorRow> rows;
  for (const auto& part : {doctor_sshd_rows(), doctor_account_rows(), doctor_state_rows()}) {
    rows.insert(rows.end(), part.begin(), part.end());
  }
  return rows;
}

std::vector<Finding> diagnose(const DoctorFacts& facts) {
  std::vector<Finding> findings;
  for (const DoctorRow& row : doctor_rows()) {
    for (const auto& [what, cure] : row.look(facts)) {
      findings.push_back({row.severity, std::string(row.id), printable(what, kMostWords),
                          printable(cure, kMostWords)});
    }
  }
  std::ranges::stable_sort(findings, {}, &Finding::severity);
  return findings;
}

bool has_serious(const std::vector<Finding>& findings) {
  return std::ranges::any_of(
      findings, [](const Finding& finding) { return finding.severity == Severity::serious; });
}

std::string findings_text(const std::vector<Finding>& findings) {
  if (findings.empty()) return "nothing found\n";
  std::string text;
  for (const Finding& finding : findings) {
    std::string word(kSeverities.name(finding.severity));
    word.resize(9, ' ');
    text += word + finding.what + "\n         -> " + finding.cure + '\n';
  }
  std::string counts;
  for (const Severity severity : {Severity::serious, Severity::warning, Severity::note}) {
    const std::string count = count_text(findings, severity);
    counts += (counts.empty() || count.empty() ? "" : ", ") + count;
  }
  return text + counts + '\n';
}

std::string findings_json(const std::vector<Finding>& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"severity", kSeverities.name(finding.severity)},
                    {"id", finding.id},
                    {"what", finding.what},
                    {"cure", finding.cure}});
  }
  return json_text({{"schema", 1}, {"findings", std::move(list)}});
}

}  // namespace reversi::server
