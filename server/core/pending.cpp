#include "server/core/pending.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/core/json_fields.h"

namespace reversi::server {
namespace {

constexpr std::size_t kMostPendingText = 128;
/// A key that begins like another one can be made: four characters take seconds.
constexpr std::size_t kLeastTyped = 8;
constexpr std::int64_t kMostCount = std::int64_t{1} << 53;
constexpr std::string_view kPrefix = "SHA256:";

std::string fingerprint(const PendingKey& entry) {
  return to_fingerprint(digest_of(entry.key));
}

/// "14 min ago": enough to recognise the machine that one has just switched on.
std::string ago(WallTime then, WallTime now) {
  using namespace std::chrono;
  const auto age = std::max(Millis{0}, now - then);
  if (age < minutes{2}) return std::to_string(duration_cast<seconds>(age).count()) + " s ago";
  if (age < hours{2}) return std::to_string(duration_cast<minutes>(age).count()) + " min ago";
  if (age < days{2}) return std::to_string(duration_cast<hours>(age).count()) + " h ago";
  return std::to_string(duration_cast<days>(age).count()) + " days ago";
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

}  // namespace

Json pending_to_json(const PendingKey& entry) {
  return {{"type", entry.key.type},
          {"key", entry.key.blob},
          {"address", entry.address ? Json(*entry.address) : Json(nullptr)},
          {"first", format_rfc3339(entry.first)},
          {"last", format_rfc3339(entry.last)},
          {"count", entry.count},
          {"proved", false}};
}

Result<PendingKey> pending_from_json(const Json& doc) {
  PendingKey entry;
  std::string type;
  std::string blob;
  Fields fields(doc);
  fields.need("type", type, kMostPendingText)
      .need("key", blob, kMaxPendingBytes)
      .may("address", entry.address, kMostPendingText)
      .need("first", entry.first)
      .need("last", entry.last)
      .may("count", entry.count, 1, kMostCount);
  if (auto ok = fields.done(); !ok) return fail(ok.error());
  auto key = parse_public_key(type + ' ' + blob);
  if (!key) return fail(key.error());
  if (key->type != type || key->blob != blob) return fail(Errc::config, "key: not one key");
  entry.key = *std::move(key);
  return entry;
}

std::optional<PendingKey> note_again(PendingKey entry, const std::optional<std::string>& address,
                                     WallTime now) {
  if (entry.last <= now && now - entry.last < kKnockNotedEvery) return std::nullopt;
  entry.last = now;
  entry.first = std::min(entry.first, now);
  entry.count = std::min(entry.count + 1, kMostCount);
  if (address) entry.address = address;
  return entry;
}

bool is_forgotten(WallTime last, const ServerPolicy& policy, WallTime now) {
  return now - last >= std::chrono::days{policy.pending_days};
}

Result<PendingKey> find_pending(const std::vector<PendingKey>& entries, std::string_view typed) {
  const std::string shown = '"' + printable(typed, 80) + '"';
  if (typed.starts_with(kPrefix)) typed.remove_prefix(kPrefix.size());
  if (typed.size() < kLeastTyped) {
    return fail(Errc::usage, shown + " is too short for a fingerprint; give at least " +
                                 std::to_string(kLeastTyped) + " characters after \"SHA256:\"");
  }
  const PendingKey* found = nullptr;
  for (const PendingKey& entry : entries) {
    const std::string print = fingerprint(entry);
    if (!std::string_view(print).substr(kPrefix.size()).starts_with(typed)) continue;
    if (found != nullptr) {
      return fail(Errc::usage, "several pending keys begin with " + shown + "; give more of it");
    }
    found = &entry;
  }
  if (found != nullptr) return *found;
  return fail(Errc::not_found,
              "no key that begins with " + shown +
                  " has knocked; `reversi-server node pending` lists those that have, and `node "
                  "add --key` takes a key that has not");
}

std::string pending_text(const std::vector<PendingKey>& entries, const ServerPolicy& policy,
                         WallTime now) {
  if (entries.empty()) return "no key waits for approval\n";
  std::string text;
  for (const PendingKey& entry : entries) {
    text += padded(fingerprint(entry), 52) + padded(entry.key.type, 21) +
            padded(entry.address.value_or("-"), 17) + "first " + ago(entry.first, now) + ", last " +
            ago(entry.last, now) + ", noted " + std::to_string(entry.count) + "x\n";
  }
  if (static_cast<std::int64_t>(entries.size()) >= policy.pending_most) {
    text +=
        "full: no further key is noted until one is approved, denied (`node deny`) or has been "
        "silent for " +
        std::to_string(policy.pending_days) + " days\n";
  }
  return text;
}

}  // namespace reversi::server
