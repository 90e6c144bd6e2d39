#include "client/io/status_file.h"

#include <utility>

#include "common/io/files.h"
#include "common/io/log.h"

namespace reversi::client {
namespace {

constexpr std::chrono::seconds kAtMostEvery{1};

}  // namespace

StatusFile::StatusFile(boost::asio::any_io_executor executor, std::string path)
    : path_(std::move(path)), timer_(std::move(executor)) {}

void StatusFile::update(std::string text, std::string essence) {
  if (essence == essence_) return;
  essence_ = std::move(essence);
  pending_ = std::move(text);
  if (!is_timed_) write_pending();
}

void StatusFile::write_pending() {
  std::string text = std::exchange(pending_, {});
  if (!write_now(text)) pending_ = std::move(text);  // again when the timer comes
  is_timed_ = true;
  timer_.expires_after(kAtMostEvery);
  timer_.async_wait([this](const boost::system::error_code& ec) {
    if (ec) return;
    is_timed_ = false;
    if (!pending_.empty()) write_pending();
  });
}

bool StatusFile::write_now(const std::string& text) {
  const auto ok = write_file(path_, text, 0600, reversi::Sync::none);
  if (!ok && !has_failed_) log_warning("the status is not written: " + ok.error().line());
  has_failed_ = !ok;
  return ok.has_value();
}

}  // namespace reversi::client
