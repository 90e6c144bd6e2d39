#include "server/core/availability.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "server/core/duration_text.h"

namespace reversi::server {
namespace {

enum class Seen { unknown, good, bad };

/// One forward on its way through the log.
struct Track {
  ForwardAvailability* out = nullptr;
  Seen seen = Seen::unknown;
  WallTime since{};  ///< of `seen`
};

void count(Availability& window, Seen seen, WallTime from, WallTime to, WallTime now) {
  from = std::max(from, now - window.window);
  if (seen == Seen::unknown || to <= from) return;
  if (!window.since) window.since = from;
  window.known += to - from;
  if (seen == Seen::good) window.available += to - from;
}

/// Counts what was seen until `at`, and begins with the next. A clock that was set back counts
/// nothing twice.
void turn(Track& track, Seen seen, WallTime at, WallTime now) {
  at = std::clamp(at, track.since, std::max(now, track.since));
  for (Availability& window : track.out->windows) {
    count(window, track.seen, track.since, at, now);
  }
  track.seen = seen;
  track.since = at;
}

class Walk {
 public:
  Walk(std::vector<Track> tracks, WallTime now) : tracks_(std::move(tracks)), now_(now) {}

  void take(const Event& event) {
    switch (event.kind) {
      case EventKind::up:
        meet(event.session);
        all(Seen::good, event.at);
        up_at_ = event.at;
        is_up_ = true;
        break;
      case EventKind::down:
        close(event);
        break;
      case EventKind::verdict:
        meet(event.session);
        for (Track& track : tracks_) {
          if (track.out->forward == event.forward && event.verdict) judge(track, event);
        }
        break;
      case EventKind::changed:
        if (event.reason == "disabled") {
          is_disabled_ = true;
          all(Seen::unknown, event.at);
        }
        break;
      default:
        return;
    }
    last_ = event.at;
  }

  void finish(std::optional<WallTime> silent_since) {
    if (is_open_ && silent_since) all(Seen::bad, std::max(*silent_since, last_));
    all(Seen::unknown, now_);
  }

 private:
  void all(Seen seen, WallTime at) {
    for (Track& track : tracks_) turn(track, seen, at, now_);
  }

  /// The first word of a session tells that there is one.
  void meet(const std::string& session) {
    if (is_open_ && session == session_) return;
    // Without a `down` nobody knows when the session before it ended.
    if (is_open_) all(Seen::unknown, last_);
    session_ = session;
    is_open_ = true;
    is_disabled_ = false;
    is_up_ = false;
  }

  void judge(Track& track, const Event& event) {
    const Verdict verdict = *event.verdict;
    const Seen seen = is_good(verdict) ? Seen::good : Seen::bad;
    turn(track, verdict == Verdict::unknown ? Seen::unknown : seen, event.at, now_);
  }

  void close(const Event& event) {
    is_open_ = false;
    if (is_disabled_) return;
    // Of an agent that was killed the next reader writes it, at a time of its own.
    const bool tells = is_up_ && event.was_up;
    all(Seen::bad, tells ? std::min(event.at, up_at_ + *event.was_up) : event.at);
    is_up_ = false;
  }

  std::vector<Track> tracks_;
  WallTime now_;
  WallTime last_{};
  WallTime up_at_{};
  std::string session_;
  bool is_up_ = false;
  bool is_open_ = false;
  bool is_disabled_ = false;
};

std::string percent_text(const Availability& window) {
  const auto points = basis_points(window);
  if (!points) return "no record";
  const int rest = *points % 100;
  return std::to_string(*points / 100) + '.' + (rest < 10 ? "0" : "") + std::to_string(rest) + " %";
}

std::string window_name(Millis window) {
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(window).count();
  return hours > 24 ? std::to_string(hours / 24) + " d" : std::to_string(hours) + " h";
}

}  // namespace

std::vector<ForwardAvailability> judge_availability(const std::vector<Event>& events,
                                                    const std::vector<std::string>& forwards,
                                                    std::optional<WallTime> silent_since,
                                                    WallTime now) {
  std::vector<ForwardAvailability> result(forwards.size());
  std::vector<Track> tracks(forwards.size());
  for (std::size_t i = 0; i < forwards.size(); ++i) {
    result[i].forward = forwards[i];
    for (std::size_t w = 0; w < kWindows.size(); ++w) result[i].windows[w].window = kWindows[w];
    tracks[i].out = &result[i];
  }
  Walk walk(std::move(tracks), now);
  for (const Event& event : events) walk.take(event);
  walk.finish(silent_since);
  return result;
}

std::optional<int> basis_points(const Availability& availability) {
  if (availability.known <= Millis{0}) return std::nullopt;
  return static_cast<int>(availability.available.count() * 10'000 / availability.known.count());
}

std::string format_availability(const ForwardAvailability& forward, WallTime now) {
  const Availability& longest = forward.windows.back();
  if (!longest.since) return "no record";
  std::string text;
  for (const Availability& window : forward.windows) {
    text += (text.empty() ? "" : ", ") + window_name(window.window) + ' ' + percent_text(window);
  }
  const bool is_whole = *longest.since <= now - longest.window;
  return is_whole ? text : text + " (since " + format_duration(now - *longest.since) + ")";
}

nlohmann::json availability_to_json(const ForwardAvailability& forward) {
  nlohmann::json windows = nlohmann::json::array();
  for (const Availability& window : forward.windows) {
    const auto points = basis_points(window);
    nlohmann::json doc{{"window_ms", window.window.count()},
                       {"known_ms", window.known.count()},
                       {"available_ms", window.available.count()}};
    doc["percent"] = points ? nlohmann::json(*points / 100.0) : nlohmann::json(nullptr);
    doc["since"] =
        window.since ? nlohmann::json(format_rfc3339(*window.since)) : nlohmann::json(nullptr);
    windows.push_back(std::move(doc));
  }
  return {{"forward", forward.forward}, {"windows", std::move(windows)}};
}

}  // namespace reversi::server
