// What happened in a gameplay log: a table with columns for the event, the player, the session.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "processors/table.h"

namespace processors {

inline constexpr std::size_t kMaxListedKinds = 20;
inline constexpr std::size_t kMaxListedSessions = 10;
inline constexpr std::size_t kMaxKindBytes = 64;     // a kind's or player's name is cut to this
inline constexpr std::size_t kMaxDistinct = 10'000;  // names counted one by one; further ones count as other

// How often each text of a column stands in it.
struct Counts {
  std::uint64_t total = 0;
  std::uint64_t distinct = 0;                              // saturates at kMaxDistinct
  std::vector<std::pair<std::string, std::uint64_t>> top;  // most frequent first, then by name; at most kMaxListedKinds
  std::uint64_t other = 0;                                 // of those not listed
};
struct Session {
  std::string name;
  std::uint64_t events = 0;
  std::optional<std::int64_t> start_ms;
  std::int64_t duration_ms = 0;  // from its first to its last event with a time
};
struct Events {
  std::optional<std::size_t> kind_column;
  std::optional<std::size_t> player_column;
  std::optional<std::size_t> session_column;
  Counts kinds;
  Counts players;
  std::uint64_t sessions = 0;
  std::uint64_t timed_sessions = 0;  // with at least one time
  std::int64_t shortest_ms = 0;
  std::int64_t median_ms = 0;  // the lower of two
  std::int64_t longest_ms = 0;
  std::vector<Session> first_sessions;  // by name, at most kMaxListedSessions
};
// Columns are found by their names (the part after the last dot): event, type, action, kind; player, character, actor,
// user, who, agent; session, match, game, run, episode; with or without an "id" or "name" at the end.
[[nodiscard]] Events SummarizeEvents(const Table& table, std::optional<std::size_t> time_column);

}  // namespace processors
