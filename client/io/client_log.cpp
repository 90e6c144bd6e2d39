#include "client/io/client_log.h"

#include "common/io/log.h"

namespace reversi::client {

Result<void> start_log_of(const ClientConfig& config) {
  constexpr auto to = [](LogConfig::To place) {
    switch (place) {
      case LogConfig::To::syslog:
        return LogSettings::To::syslog;
      case LogConfig::To::file:
        return LogSettings::To::file;
      case LogConfig::To::standard_error:
        break;
    }
    return LogSettings::To::standard_error;
  };
  return start_log({.to = to(config.log.to),
                    .file = config.log.file,
                    .max_bytes = static_cast<std::size_t>(config.log.max_bytes),
                    .level = config.log_level});
}

}  // namespace reversi::client
