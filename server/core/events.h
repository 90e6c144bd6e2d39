#pragma once
// One line of events.jsonl: something that happened to a node and that a person may ask for later.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "common/core/error.h"
#include "common/core/status.h"
#include "common/core/time.h"

namespace reversi::server {

enum class EventKind {
  up,              ///< was_down: since the last `down`, if there was one
  down,            ///< was_up: since the last `up`
  verdict,         ///< a forward's verdict changed
  evicted,         ///< a stale session was ended; its pid or cause in `reason`
  refused,         ///< a newcomer was refused; `reason` starts with the word it was told
  conflict,        ///< another machine came with this node's identity
  protocol_error,  ///< bytes that no correct client sends
  file_error,      ///< a state file could not be read or written
  changed,         ///< the admin changed the node: added, set, enabled, disabled
  unknown,         ///< written by a newer version
};
[[nodiscard]] std::string_view event_kind_name(EventKind kind);
/// `unknown` for a word of the future.
[[nodiscard]] EventKind parse_event_kind(std::string_view name);

struct Event {
  WallTime at{};
  EventKind kind = EventKind::unknown;
  std::string session;  ///< id, where one is concerned
  std::string reason;   ///< one line for people
  std::string address;  ///< of the peer
  std::string machine;  ///< conflict
  std::string forward;  ///< verdict
  std::optional<Verdict> verdict;
  std::optional<Millis> was_down;
  std::optional<Millis> was_up;

  friend bool operator==(const Event&, const Event&) = default;
};

[[nodiscard]] nlohmann::json event_to_json(const Event& event);
/// {"at": …, "event": "up", …, "was_down_ms": 4100}: one line with its newline; empty fields are
/// left out, and no line is longer than kMaxEventBytes.
inline constexpr std::size_t kMaxEventBytes = 2048;
[[nodiscard]] std::string encode_event(const Event& event);
/// @errors  config  not an event; any bytes may come in
[[nodiscard]] Result<Event> decode_event(std::string_view line);
/// "2026-11-20 14:02:07  up       was down 4.1 s": for people, no newline.
[[nodiscard]] std::string format_event(const Event& event);

}  // namespace reversi::server
