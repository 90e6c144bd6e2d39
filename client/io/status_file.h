#pragma once

#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace reversi::client {

/// run_dir/status.json: by rename, no fsync, on change, at most once a second. A full disk is
/// reported once and stops nothing.
class StatusFile {
 public:
  StatusFile(boost::asio::any_io_executor executor, std::string path);

  /// @param essence  what has to differ for the text to be worth writing
  void update(std::string text, std::string essence);
  bool write_now(const std::string& text);

 private:
  void write_pending();

  std::string path_;
  boost::asio::steady_timer timer_;
  std::string pending_;
  std::string essence_;
  bool is_timed_ = false;
  bool has_failed_ = false;
};

}  // namespace reversi::client
