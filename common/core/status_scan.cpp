#include "common/core/status_scan.h"

#include <charconv>

#include "common/core/status_bounds.h"

namespace reversi {
namespace {

// Narrower than that of status_from_json(): what lies between takes the other way.
constexpr std::int64_t kMostScannedCount = std::int64_t{1} << 49;

/// Reads one document from the front; every function is false where it is not as expected.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool take(char c) {
    skip_blanks();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool word(std::string_view word) {
    skip_blanks();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool at_end() {
    skip_blanks();
    return rest_.empty();
  }

  bool text(std::string_view& out) {
    if (!take('"')) return false;
    std::size_t end = 0;
    while (end < rest_.size() && is_plain(rest_[end])) ++end;
    if (end >= rest_.size() || rest_[end] != '"' || end > kMostStatusText) return false;
    out = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool text(std::string& out) {
    std::string_view found;
    if (!text(found)) return false;
    out = found;
    return true;
  }
  bool number(std::int64_t& out, std::int64_t least, std::int64_t most) {
    skip_blanks();
    constexpr std::size_t kMostDigits = 15;
    std::size_t digits = 0;
    while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') ++digits;
    if (digits == 0 || digits > kMostDigits || (digits > 1 && rest_.front() == '0')) return false;
    std::from_chars(rest_.data(), rest_.data() + digits, out);
    rest_.remove_prefix(digits);
    return out >= least && out <= most;
  }
  bool millis(Millis& out, std::int64_t least) {
    std::int64_t count = 0;
    if (!number(count, least, kLongestStatusSpan.count())) return false;
    out = Millis{count};
    return true;
  }
  bool time(WallTime& out) {
    std::string_view found;
    if (!text(found)) return false;
    const auto time = parse_rfc3339(found);
    out = time.value_or(WallTime{});
    return time.has_value();
  }
  bool time(std::optional<WallTime>& out) {
    if (word("null")) return true;
    return time(out.emplace());
  }
  bool flag(bool& out) {
    out = word("true");
    return out || word("false");
  }

  /// @param field  key → whether the value behind it is as expected.
  template <class Field>
  bool object(const Field& field) {
    if (!take('{')) return false;
    if (take('}')) return true;
    do {
      std::string_view key;
      if (!text(key) || !take(':') || !field(key)) return false;
    } while (take(','));
    return take('}');
  }

 private:
  static bool is_plain(char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }
  void skip_blanks() {
    while (rest_.starts_with(' ') || rest_.starts_with('\n')) rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

/// The keys of one object that were there: none may come twice.
class Seen {
 public:
  bool once(unsigned key) {
    const unsigned bit = 1U << key;
    const bool is_new = (bits_ & bit) == 0;
    bits_ |= bit;
    return is_new;
  }
  [[nodiscard]] bool has(unsigned keys) const { return (bits_ & keys) == keys; }

 private:
  unsigned bits_ = 0;
};

bool scan(Scanner& in, SessionStatus& out) {
  Seen seen;
  const bool is_good = in.object([&](std::string_view key) {
    if (key == "id") return seen.once(0) && in.text(out.id);
    if (key == "started_at") return seen.once(1) && in.time(out.started_at);
    if (key == "client_address") return seen.once(2) && in.text(out.client_address);
    if (key == "client_port") return seen.once(3) && in.number(out.client_port, 0, 65535);
    if (key == "sshd_pid") return seen.once(4) && in.number(out.sshd_pid, 0, kMostPid);
    if (key == "agent_pid") return seen.once(5) && in.number(out.agent_pid, 0, kMostPid);
    if (key == "client_version") return seen.once(6) && in.text(out.client_version);
    if (key == "os") return seen.once(7) && in.text(out.os);
    if (key == "arch") return seen.once(8) && in.text(out.arch);
    if (key == "instance") return seen.once(9) && in.text(out.instance);
    return key == "machine" && seen.once(10) && in.text(out.machine);
  });
  return is_good && seen.has(0b11);
}

bool scan(Scanner& in, ForwardStatus& out) {
  Seen seen;
  const bool is_good = in.object([&](std::string_view key) {
    if (key == "name") return seen.once(0) && in.text(out.name);
    if (key == "verdict") {
      std::string_view word;
      if (!seen.once(1) || !in.text(word)) return false;
      out.verdict = parse_verdict(word).value_or(Verdict::unknown);
      return true;
    }
    if (key == "since") return seen.once(2) && in.time(out.since);
    if (key == "listen") return seen.once(3) && in.text(out.listen);
    if (key == "target") return seen.once(4) && in.text(out.target);
    if (key == "reason") return seen.once(5) && in.text(out.reason);
    if (key == "latency_ms") {
      return seen.once(6) && (in.word("null") || in.millis(out.latency.emplace(), 0));
    }
    return key == "checked_at" && seen.once(7) && in.time(out.checked_at);
  });
  return is_good && seen.has(0b111);
}

bool scan(Scanner& in, Counters& out) {
  Seen seen;
  return in.object([&](std::string_view key) {
    if (key == "sessions") return seen.once(0) && in.number(out.sessions, 0, kMostScannedCount);
    if (key == "evictions") return seen.once(1) && in.number(out.evictions, 0, kMostScannedCount);
    if (key == "checks") return seen.once(2) && in.number(out.checks, 0, kMostScannedCount);
    return key == "failed_checks" && seen.once(3) &&
           in.number(out.failed_checks, 0, kMostScannedCount);
  });
}

bool scan(Scanner& in, BackoffStatus& out) {
  Seen seen;
  return in.object([&](std::string_view key) {
    if (key == "failures") return seen.once(0) && in.number(out.failures, 0, kMostScannedCount);
    if (key == "retry_after_ms") return seen.once(1) && in.millis(out.retry_after, 0);
    return key == "spread_ms" && seen.once(2) && in.millis(out.spread, 0);
  });
}

bool scan(Scanner& in, std::vector<ForwardStatus>& out) {
  if (!in.take('[')) return false;
  if (in.take(']')) return true;
  do {
    if (out.size() == kMostStatusForwards || !scan(in, out.emplace_back())) return false;
  } while (in.take(','));
  return in.take(']');
}

}  // namespace

std::optional<NodeStatus> scan_status(std::string_view text) {
  Scanner in(text);
  std::optional<NodeStatus> status{std::in_place};
  NodeStatus& out = *status;
  Seen seen;
  const bool is_good = in.object([&](std::string_view key) {
    std::int64_t schema = 0;
    if (key == "node") return seen.once(0) && in.text(out.node);
    if (key == "state") {
      std::string_view word;
      if (!seen.once(1) || !in.text(word)) return false;
      out.state = parse_node_state(word).value_or(NodeState::unknown);
      return true;
    }
    if (key == "schema") return seen.once(2) && in.number(schema, 0, kMostScannedCount);
    if (key == "reason") return seen.once(3) && in.text(out.reason);
    if (key == "since") return seen.once(4) && in.time(out.since);
    if (key == "last_seen") return seen.once(5) && in.time(out.last_seen);
    if (key == "dead_after_ms") return seen.once(6) && in.millis(out.dead_after, 1);
    if (key == "metered") return seen.once(7) && in.flag(out.metered);
    if (key == "written_at") return seen.once(8) && in.time(out.written_at);
    if (key == "unwritten_since") return seen.once(9) && in.time(out.unwritten_since);
    if (key == "session") {
      return seen.once(10) && (in.word("null") || scan(in, out.session.emplace()));
    }
    if (key == "forwards") return seen.once(11) && scan(in, out.forwards);
    if (key == "counters") return seen.once(12) && scan(in, out.counters);
    if (key == "backoff") return seen.once(13) && scan(in, out.backoff);
    // A node with either is rare, and takes the other way.
    if (key == "conflict") return seen.once(14) && in.word("null");
    return key == "last_refused" && seen.once(15) && in.word("null");
  });
  if (!is_good || !seen.has(0b11) || !in.at_end()) return std::nullopt;
  return status;
}

}  // namespace reversi
