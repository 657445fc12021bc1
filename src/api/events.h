// GET /jobs/{id}/events: many watchers, one read. Watchers of one job share a topic; one thread reads the store when a
// topic was woken, at most once per interval, and every watcher takes the newest document when its connection can send.
// A slow client skips documents and holds back nobody.
//
//   JobFeed ──wake──▶ due topics ──reader thread: Query::Job──▶ snapshot ──wake──▶ stream.Poll ──▶ connection
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "flow/query.h"
#include "http/message.h"
#include "ports/notifier.h"

namespace api {

class EventHub {
 public:
  // Both outlive the hub. `interval`: two documents of one job are at least so far apart.
  EventHub(flow::Query& query, ports::JobFeed& feed, std::chrono::milliseconds interval);
  ~EventHub();  // streams end; they may outlive the hub
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  // The job's events from `last_event_id` on ("" or unknown: the current document first). Ends after the job's end.
  [[nodiscard]] std::shared_ptr<http::BodyStream> Watch(const job::JobKey& key, std::string_view last_event_id);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

// Names what a document says: equal while nothing changed. "2.7.100.3": generation, version, succeeded, failed.
[[nodiscard]] std::string EventId(const job::Job& job);
// Id of the `end` event that follows the document `id`.
[[nodiscard]] std::string EndEventId(std::string_view id);

}  // namespace api
