#pragma once

#include <optional>
#include <string_view>

#include "server/core/events.h"

namespace reversi::server {

/// Reads a line as encode_event() writes nearly all of them: one flat object of plain ASCII texts
/// and whole numbers, no escapes. Nothing for every other line, a wrong one too: decode_event() has
/// the last word. A log has thousands of lines, and a JSON tree for each takes ten times as long.
[[nodiscard]] std::optional<Event> scan_event(std::string_view line);

}  // namespace reversi::server
