#include "api/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "api/calls.h"
#include "api/parameters.h"
#include "base/log.h"
#include "wire/toon.h"

namespace api {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRetryRead{1000};  // after a store that could not answer

// What a watcher sends next, made once for all of them.
struct Snapshot {
  std::string id;
  std::string progress;  // the event's bytes
  std::string end;       // the end event's bytes; empty: the job goes on
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

std::string Event(std::string_view id, std::string_view name, std::string data) {
  // A line break in JSON is only ever space between tokens, and would end the field.
  std::ranges::replace_if(data, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", id, name, data);
}

std::string EndData(std::string_view job_id, std::string_view status) {
  std::string data = R"({"jobId":)";
  base::AppendJsonString(data, job_id);
  data += fmt::format(R"(,"status":"{}"}})", status);
  return data;
}

SnapshotPtr Describe(const flow::JobView& view) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->id = EventId(view.job);
  snapshot->progress = Event(snapshot->id, "progress", RenderView(view));
  if (view.job.state.phase == job::Phase::kEnded) {
    const auto status = job::kJobStatusNames[static_cast<std::size_t>(job::StatusOf(view.job))];
    snapshot->end = Event(EndEventId(snapshot->id), "end", EndData(view.job.spec.key.job.str(), status));
  }
  return snapshot;
}

// The job was forgotten while somebody watched.
SnapshotPtr Gone(const job::JobKey& key) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->end = Event("gone", "end", EndData(key.job.str(), "Gone"));
  return snapshot;
}

}  // namespace

std::string EventId(const job::Job& job) {
  return fmt::format("{}.{}.{}.{}", job.state.generation, job.state.version, job::Succeeded(job), job::Failed(job));
}

std::string EndEventId(std::string_view id) {
  return fmt::format("{}.end", id);
}

namespace {

struct Stream;

// One watched job. `mutex` guards what follows it; never held while a wake runs.
struct Topic {
  explicit Topic(job::JobKey k) : key(std::move(k)) {}
  const job::JobKey key;

  std::mutex mutex;
  SnapshotPtr snapshot;          // null until the first read
  std::vector<Stream*> streams;  // alive while they stand here
};

}  // namespace

// The hub's mutex guards the table and the schedule; a topic's mutex is taken after it or alone.
struct EventHub::State {
  State(flow::Query& q, ports::JobFeed& f, std::chrono::milliseconds i) : query(q), interval(i), feed(f) {}

  struct Entry {
    std::shared_ptr<Topic> topic;
    std::unique_ptr<ports::JobFeed::Subscription> subscription;
    std::size_t watchers = 0;
    Steady::time_point last_read{};
    bool scheduled = false;
    unsigned quick_reads = kQuickReads;
  };
  // The first documents of a job come at once, so that a short job is seen to end when it ends; a long one is
  // throttled.
  static constexpr unsigned kQuickReads = 8;
  static constexpr std::chrono::milliseconds kQuickInterval{1};

  // Called by the feed, from any thread: read this job again, as soon as the interval allows.
  void MarkDue(const job::JobKey& key) {
    {
      const std::lock_guard lock(mutex);
      const auto found = entries.find(key);
      if (found == entries.end() || found->second.scheduled) return;
      found->second.scheduled = true;
      const bool quick = found->second.quick_reads > 0;
      if (quick) found->second.quick_reads -= 1;
      schedule.emplace(std::max(Steady::now(), found->second.last_read + (quick ? kQuickInterval : interval)), key);
    }
    changed.notify_one();
  }

  void Leave(const job::JobKey& key) {
    {
      const std::lock_guard lock(mutex);
      const auto found = entries.find(key);
      if (found == entries.end() || --found->second.watchers > 0) return;
      // Ending a subscription waits for a wake that runs: the reader does it, not a connection's thread.
      leaving.push_back(std::move(found->second.subscription));
      entries.erase(found);
    }
    changed.notify_one();
  }

  void Run(const std::stop_token& stop);
  void Read(const std::shared_ptr<Topic>& topic);
  std::shared_ptr<Topic> TakeDue(std::unique_lock<std::mutex>& lock);

  flow::Query& query;
  const std::chrono::milliseconds interval;
  std::mutex mutex;
  std::condition_variable_any changed;
  std::map<job::JobKey, Entry> entries;                                // guarded by mutex
  std::multimap<Steady::time_point, job::JobKey> schedule;             // guarded by mutex
  std::vector<std::unique_ptr<ports::JobFeed::Subscription>> leaving;  // guarded by mutex
  ports::JobFeed& feed;
  std::jthread reader;
};

namespace {

struct Stream final : http::BodyStream {
  Stream(std::shared_ptr<EventHub::State> h, std::shared_ptr<Topic> t, std::string_view last_event_id)
      : hub(std::move(h)), topic(std::move(t)), seen(last_event_id) {
    const std::lock_guard lock(topic->mutex);
    topic->streams.push_back(this);
  }
  ~Stream() override {
    {
      const std::lock_guard lock(topic->mutex);
      std::erase(topic->streams, this);
    }
    hub->Leave(topic->key);
  }

  std::optional<std::string> Poll(bool& end) override {
    SnapshotPtr now;
    {
      const std::lock_guard lock(topic->mutex);
      now = topic->snapshot;
    }
    end = ended;
    if (!now || ended) return std::nullopt;
    std::string bytes;
    if (now->id != seen && EndEventId(now->id) != seen) {
      bytes = now->progress;
      seen = now->id;
    }
    if (!now->end.empty()) {
      bytes += now->end;
      ended = end = true;
    }
    return bytes.empty() ? std::nullopt : std::optional(std::move(bytes));
  }

  void OnReady(std::function<void()> w) override {
    const std::lock_guard lock(topic->mutex);
    wake = std::move(w);
  }

  std::string Keepalive() override { return ":\n\n"; }

  std::shared_ptr<EventHub::State> hub;
  std::shared_ptr<Topic> topic;
  std::string seen;            // Poll only
  bool ended = false;          // Poll only
  std::function<void()> wake;  // guarded by topic->mutex
};

void Publish(Topic& topic, SnapshotPtr snapshot) {
  std::vector<std::function<void()>> wakes;
  {
    const std::lock_guard lock(topic.mutex);
    if (topic.snapshot && topic.snapshot->id == snapshot->id && topic.snapshot->end == snapshot->end) return;
    topic.snapshot = std::move(snapshot);
    for (const Stream* stream : topic.streams) {
      if (stream->wake) wakes.push_back(stream->wake);
    }
  }
  for (const auto& wake : wakes) wake();
}

}  // namespace

void EventHub::State::Read(const std::shared_ptr<Topic>& topic) {
  const auto view = query.Job(topic->key);
  if (view) return Publish(*topic, Describe(*view));
  if (view.error().code == base::Code::kNotFound) return Publish(*topic, Gone(topic->key));
  base::LogWarn("watch-read-failed", {{"jobId", topic->key.job.str()}, {"message", view.error().message}});
  const std::lock_guard lock(mutex);
  const auto found = entries.find(topic->key);
  if (found == entries.end() || found->second.scheduled) return;
  found->second.scheduled = true;
  schedule.emplace(Steady::now() + kRetryRead, topic->key);
}

// The next topic whose time has come, or null. Called with the lock held.
std::shared_ptr<Topic> EventHub::State::TakeDue(std::unique_lock<std::mutex>& /*lock*/) {
  while (!schedule.empty() && schedule.begin()->first <= Steady::now()) {
    const auto found = entries.find(schedule.begin()->second);
    schedule.erase(schedule.begin());
    if (found == entries.end() || !found->second.scheduled) continue;
    // Before the read: a change during it schedules the next one.
    found->second.scheduled = false;
    found->second.last_read = Steady::now();
    return found->second.topic;
  }
  return nullptr;
}

void EventHub::State::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    if (!leaving.empty()) {
      auto ending = std::exchange(leaving, {});
      lock.unlock();
      ending.clear();  // without the lock that their wakes take
    } else if (const auto topic = TakeDue(lock)) {
      lock.unlock();
      Read(topic);
    } else if (schedule.empty()) {
      changed.wait(lock, stop, [&] { return !schedule.empty() || !leaving.empty(); });
      continue;
    } else {
      const auto next = schedule.begin()->first;
      changed.wait_until(lock, stop, next, [&] { return !leaving.empty() || schedule.begin()->first < next; });
      continue;
    }
    lock.lock();
  }
}

EventHub::EventHub(flow::Query& query, ports::JobFeed& feed, std::chrono::milliseconds interval)
    : state_(std::make_shared<State>(query, feed, interval)) {
  state_->reader = std::jthread([state = state_.get()](const std::stop_token& stop) { state->Run(stop); });
}

EventHub::~EventHub() {
  state_->reader.request_stop();
  state_->reader.join();
  std::map<job::JobKey, State::Entry> entries;
  decltype(State::leaving) leaving;
  {
    const std::lock_guard lock(state_->mutex);
    entries = std::move(state_->entries);
    state_->entries.clear();
    leaving = std::move(state_->leaving);
    state_->leaving.clear();
  }
}

std::shared_ptr<http::BodyStream> EventHub::Watch(const job::JobKey& key, std::string_view last_event_id) {
  std::shared_ptr<Topic> topic;
  {
    const std::lock_guard lock(state_->mutex);
    State::Entry& entry = state_->entries[key];
    if (!entry.topic) entry.topic = std::make_shared<Topic>(key);
    entry.watchers += 1;
    topic = entry.topic;
  }
  auto stream = std::make_shared<Stream>(state_, topic, last_event_id);
  bool subscribe = false;
  {
    const std::lock_guard lock(state_->mutex);
    subscribe = !state_->entries[key].subscription;
  }
  if (subscribe) {
    // Outside the lock, which the wake takes. Two first watchers may both subscribe; one subscription is dropped.
    const std::weak_ptr<State> weak = state_;
    auto subscription = state_->feed.Subscribe(key, [weak, key] {
      if (const auto state = weak.lock()) state->MarkDue(key);
    });
    const std::lock_guard lock(state_->mutex);
    State::Entry& entry = state_->entries[key];
    if (entry.subscription) {
      state_->leaving.push_back(std::move(subscription));
    } else {
      entry.subscription = std::move(subscription);
    }
  }
  // After the subscription, so that no change falls between: this read, or the wake of a later change, shows it.
  state_->MarkDue(key);
  return stream;
}

Plan WatchJob(const Services& services, EventHub& events, const ExchangePtr& exchange) {
  if (wire::RefuseJobId(exchange->argument)) {
    return Refuse(exchange, {.code = base::Code::kNotFound, .message = "there is no such job"});
  }
  return Bare(exchange, [&services, &events, exchange] {
    const auto good = ParameterReader(exchange->parameters, {}).Finish();
    if (!good) return exchange->Problem(good.error());
    const auto view = services.query.Job(exchange->Key());
    if (!view) return exchange->Problem(view.error());
    const std::string_view last = exchange->head.header("last-event-id");
    if (view->job.state.phase == job::Phase::kEnded && last == EndEventId(EventId(view->job))) {
      // The client has it all; this status tells an EventSource not to come back.
      http::Response nothing{.status = 204};
      exchange->Trace(nothing);
      return nothing;
    }
    http::Response response = exchange->Text(200, "text/event-stream", "");
    response.headers.emplace_back("X-Accel-Buffering", "no");
    response.body = events.Watch(exchange->Key(), last);
    return response;
  });
}

}  // namespace api
