#include "processors/events.h"

#include <algorithm>
#include <map>
#include <span>
#include <unordered_map>

#include "processors/typing.h"

namespace processors {

namespace {

constexpr std::string_view kEventNames[] = {"event", "eventtype", "kind", "action", "type"};
constexpr std::string_view kPlayerNames[] = {"player", "character", "actor", "agent", "who", "user"};
constexpr std::string_view kSessionNames[] = {"session", "match", "game", "run", "episode"};

// "Player_ID" -> "player", "pos.actor_name" -> "actor", "actor.name" -> "actor".
std::string Stem(std::string_view name) {
  const auto dot = name.rfind('.');
  std::string stem;
  for (const char c : dot == std::string_view::npos ? name : name.substr(dot + 1)) {
    if (c != '_' && c != '-' && c != ' ') stem += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  for (const std::string_view tail : {"id", "name"}) {
    if (stem == tail && dot != std::string_view::npos) return Stem(name.substr(0, dot));
    if (stem.size() > tail.size() && stem.ends_with(tail)) stem.resize(stem.size() - tail.size());
  }
  return stem;
}

std::optional<std::size_t> FindColumn(const Table& table, std::span<const std::string_view> stems) {
  for (const auto stem : stems) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const Kind kind = table.columns[i].kind;
      if (kind != Kind::kEmpty && kind != Kind::kTimestamp && Stem(table.columns[i].name) == stem) return i;
    }
  }
  return std::nullopt;
}

std::string NameOf(const Table& table, const Column& column, std::size_t row) {
  std::string name = CellText(table, column, row);
  if (name.size() > kMaxKindBytes) {
    std::size_t end = kMaxKindBytes;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0U) == 0x80U) --end;
    name.resize(end);
  }
  return name;
}

Counts CountColumn(const Table& table, const Column& column) {
  Counts counts;
  std::unordered_map<std::string, std::uint64_t> by_name;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (column.IsNull(row)) continue;
    ++counts.total;
    std::string name = NameOf(table, column, row);
    const auto found = by_name.find(name);
    if (found != by_name.end()) {
      ++found->second;
    } else if (by_name.size() < kMaxDistinct) {
      by_name.emplace(std::move(name), 1);
    }
  }
  counts.distinct = by_name.size();
  counts.top.assign(by_name.begin(), by_name.end());
  std::ranges::sort(counts.top, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  if (counts.top.size() > kMaxListedKinds) counts.top.resize(kMaxListedKinds);
  counts.other = counts.total;
  for (const auto& [name, count] : counts.top) counts.other -= count;
  return counts;
}

struct Span {
  std::uint64_t events = 0;
  std::int64_t first_ms = kNullTime;
  std::int64_t last_ms = kNullTime;
};

std::map<std::string, Span> Sessions(const Table& table, const Column& column, std::optional<std::size_t> time_column) {
  std::map<std::string, Span> spans;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (column.IsNull(row)) continue;
    std::string name = NameOf(table, column, row);
    auto found = spans.find(name);
    if (found == spans.end()) {
      if (spans.size() == kMaxDistinct) continue;
      found = spans.emplace(std::move(name), Span{}).first;
    }
    Span& span = found->second;
    ++span.events;
    if (!time_column || table.columns[*time_column].IsNull(row)) continue;
    const std::int64_t time = table.columns[*time_column].Time(row);
    if (span.first_ms == kNullTime || time < span.first_ms) span.first_ms = time;
    if (span.last_ms == kNullTime || time > span.last_ms) span.last_ms = time;
  }
  return spans;
}

void SummarizeSessions(const std::map<std::string, Span>& spans, Events& events) {
  std::vector<std::int64_t> durations;
  for (const auto& [name, span] : spans) {
    Session session{.name = name, .events = span.events};
    if (span.first_ms != kNullTime) {
      session.start_ms = span.first_ms;
      session.duration_ms = span.last_ms - span.first_ms;
      durations.push_back(session.duration_ms);
    }
    if (events.first_sessions.size() < kMaxListedSessions) events.first_sessions.push_back(std::move(session));
  }
  events.sessions = spans.size();
  events.timed_sessions = durations.size();
  if (durations.empty()) return;
  std::ranges::sort(durations);
  events.shortest_ms = durations.front();
  events.median_ms = durations[(durations.size() - 1) / 2];
  events.longest_ms = durations.back();
}

}  // namespace

Events SummarizeEvents(const Table& table, std::optional<std::size_t> time_column) {
  Events events;
  events.kind_column = FindColumn(table, kEventNames);
  events.player_column = FindColumn(table, kPlayerNames);
  events.session_column = FindColumn(table, kSessionNames);
  if (events.kind_column) events.kinds = CountColumn(table, table.columns[*events.kind_column]);
  if (events.player_column) events.players = CountColumn(table, table.columns[*events.player_column]);
  if (events.session_column) {
    SummarizeSessions(Sessions(table, table.columns[*events.session_column], time_column), events);
  }
  return events;
}

}  // namespace processors
