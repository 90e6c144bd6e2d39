#include "common/io/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "common/io/log_sinks.h"

namespace reversi {
namespace {

constexpr std::size_t kLongestLogLine = 1000;
constexpr auto kLevels = std::to_array<std::pair<std::string_view, LogLevel>>({
    {"trace", LogLevel::trace},
    {"debug", LogLevel::debug},
    {"info", LogLevel::info},
    {"warning", LogLevel::warning},
    {"error", LogLevel::error},
});

struct Log {
  std::unique_ptr<LogSink> sink = standard_error_sink();
  LogLevel least = LogLevel::info;
};

/// What verbs log that start no log of their own goes to standard error.
Log& the_log() {
  static Log log;
  return log;
}

void write(LogLevel level, const std::string& text) {
  if (level >= the_log().least) the_log().sink->write(level, printable(text, kLongestLogLine));
}

bool is_standard_error_lost() {
  struct stat error {};
  struct stat null {};
  return ::fstat(STDERR_FILENO, &error) == 0 && ::stat("/dev/null", &null) == 0 &&
         S_ISCHR(error.st_mode) && error.st_rdev == null.st_rdev;
}

Result<std::unique_ptr<LogSink>> make_sink(const LogSettings& settings) {
  switch (settings.to) {
    case LogSettings::To::standard_error:
      if (is_standard_error_lost()) return syslog_sink(settings.ident);
      return standard_error_sink();
    case LogSettings::To::syslog:
      return syslog_sink(settings.ident);
    case LogSettings::To::file:
      break;
  }
  return file_sink(settings.file, settings.max_bytes);
}

}  // namespace

Result<void> start_log(const LogSettings& settings) {
  const auto* level =
      std::ranges::find(kLevels, settings.level, &std::pair<std::string_view, LogLevel>::first);
  if (level == kLevels.end()) {
    return fail(Errc::config, "log_level: \"" + settings.level +
                                  "\" is not trace, debug, info, warning or error");
  }
  auto sink = make_sink(settings);
  if (!sink) return fail(std::move(sink).error().in("log"));
  the_log() = {*std::move(sink), level->second};
  return {};
}

void log_debug(const std::string& text) {
  write(LogLevel::debug, text);
}
void log_info(const std::string& text) {
  write(LogLevel::info, text);
}
void log_warning(const std::string& text) {
  write(LogLevel::warning, text);
}
void log_error(const std::string& text) {
  write(LogLevel::error, text);
}

}  // namespace reversi
