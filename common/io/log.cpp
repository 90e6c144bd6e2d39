#include "common/io/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

#include "common/io/log_sinks.h"

namespace reversi {
namespace {

constexpr std::size_t kLongestLogLine = 1000;

void write(spdlog::level::level_enum level, const std::string& text) {
  spdlog::log(level, printable(text, kLongestLogLine));
}

bool is_standard_error_lost() {
  struct stat error {};
  struct stat null {};
  return ::fstat(STDERR_FILENO, &error) == 0 && ::stat("/dev/null", &null) == 0 &&
         S_ISCHR(error.st_mode) && error.st_rdev == null.st_rdev;
}

Result<spdlog::sink_ptr> make_sink(const LogSettings& settings) {
  switch (settings.to) {
    case LogSettings::To::standard_error:
      if (is_standard_error_lost()) return syslog_sink(settings.ident);
      return standard_error_sink();
    case LogSettings::To::syslog:
      return syslog_sink(settings.ident);
    case LogSettings::To::file:
      break;
  }
  try {
    constexpr std::size_t kOldFiles = 1;
    return std::make_shared<spdlog::sinks::rotating_file_sink_st>(settings.file, settings.max_bytes,
                                                                  kOldFiles);
  } catch (const spdlog::spdlog_ex& error) {
    return fail(Error{Errc::io, error.what()}.in("log"));
  }
}

}  // namespace

Result<void> start_log(const LogSettings& settings) {
  const auto level = spdlog::level::from_str(settings.level);
  if (level == spdlog::level::off) {
    return fail(Errc::config, "log_level: \"" + settings.level +
                                  "\" is not trace, debug, info, warning or error");
  }
  auto sink = make_sink(settings);
  if (!sink) return fail(sink.error());
  auto logger = std::make_shared<spdlog::logger>("reversi", *std::move(sink));
  logger->set_level(level);
  logger->flush_on(spdlog::level::info);
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  // A full disk must not throw into the loop, nor fill stderr with complaints about itself.
  logger->set_error_handler([](const std::string&) {});
  spdlog::set_default_logger(std::move(logger));
  return {};
}

void log_debug(const std::string& text) {
  write(spdlog::level::debug, text);
}
void log_info(const std::string& text) {
  write(spdlog::level::info, text);
}
void log_warning(const std::string& text) {
  write(spdlog::level::warn, text);
}
void log_error(const std::string& text) {
  write(spdlog::level::err, text);
}

}  // namespace reversi
