// The API over the real flow and the fake ports, for tests of this folder.
#pragma once

#include <gtest/gtest.h>
#include <simdjson.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "fakes/blobs.h"
#include "fakes/clock.h"
#include "fakes/processors.h"
#include "fakes/reducers.h"
#include "fakes/store.h"
#include "flow/change.h"
#include "wire/outcome_codec.h"

namespace api {

// Wakes every watcher of a job at each Publish.
class FakeFeed final : public ports::JobFeed, public ports::Notifier {
 public:
  std::unique_ptr<Subscription> Subscribe(const job::JobKey& key, std::function<void()> wake) override {
    const std::lock_guard lock(mutex_);
    wakes_.emplace(next_, std::pair(key, std::move(wake)));
    return std::make_unique<Entry>(*this, next_++);
  }
  void Publish(const job::Job& job) override {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, wake] : wakes_) {
      if (wake.first == job.spec.key) wake.second();
    }
  }
  [[nodiscard]] std::size_t subscriptions() const {
    const std::lock_guard lock(mutex_);
    return wakes_.size();
  }
  [[nodiscard]] bool WaitForSubscriptions(std::size_t wanted) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return wakes_.size() == wanted; });
  }

 private:
  struct Entry final : Subscription {
    Entry(FakeFeed& f, int i) : feed(f), id(i) {}
    ~Entry() override {
      const std::lock_guard lock(feed.mutex_);
      feed.wakes_.erase(id);
      feed.changed_.notify_all();
    }
    FakeFeed& feed;
    int id;
  };
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int, std::pair<job::JobKey, std::function<void()>>> wakes_;
  int next_ = 0;
};

// "Bearer <tenant>:<role>" is that identity.
class FakeAuthenticator final : public Authenticator {
 public:
  base::Result<auth::Identity> Authenticate(const http::RequestHead& head) override {
    std::string_view token = head.header("authorization");
    if (!token.starts_with("Bearer ")) return base::Fail(base::Code::kUnauthenticated, "no token", "no-token");
    token.remove_prefix(7);
    const std::size_t colon = token.find(':');
    if (colon == std::string_view::npos) return base::Fail(base::Code::kUnauthenticated, "expired", "expired");
    const auto role = auth::RoleOf(token.substr(colon + 1));
    return auth::Identity{.tenant = job::TenantId(token.substr(0, colon)),
                          .subject = std::string(token.substr(0, colon)),
                          .role = role.value_or(auth::Role::kNone)};
  }
};

class FakeStarter final : public flow::Starter {
 public:
  void Runnable(const job::Job& /*job*/) override {}
  void Withdrawn(const job::JobKey& /*key*/, job::Generation /*generation*/) override {}
  void Doubtful(const job::JobKey& /*key*/) override {}
  Backlog BacklogOf(const job::TenantId& /*tenant*/) const override { return backlog; }
  Backlog backlog;
};

struct Reply {
  int status = 0;
  http::Headers headers;
  std::string body;
  std::shared_ptr<http::BodyStream> stream;
  std::optional<http::FileBody> file;

  [[nodiscard]] std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return "";
  }
};

inline Reply ToReply(http::Response response) {
  Reply reply{.status = response.status, .headers = std::move(response.headers)};
  if (const auto text = response.text()) reply.body = *text;
  if (auto* stream = std::get_if<std::shared_ptr<http::BodyStream>>(&response.body)) reply.stream = *stream;
  if (auto* file = std::get_if<http::FileBody>(&response.body)) {
    reply.file = *file;
    std::ifstream in(file->path, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(file->offset));
    reply.body.resize(file->length);
    in.read(reply.body.data(), static_cast<std::streamsize>(file->length));
  }
  return reply;
}

struct Ask {
  std::string method = "GET";
  std::string target;
  http::Headers headers{};
  std::string body{};
  std::string peer = "127.0.0.1";
  std::size_t piece = 1U << 20U;       // bytes of one Write
  std::string token = "ana:operator";  // "": none
};

// The member at a JSON Pointer as text: strings unquoted, others minified; "<none>" if absent.
inline std::string At(std::string_view document, std::string_view pointer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::element element;
  if (parser.parse(document.data(), document.size()).get(root) != simdjson::SUCCESS) return "<not json>";
  if (pointer.empty()) {
    element = root;
  } else if (root.at_pointer(pointer).get(element) != simdjson::SUCCESS) {
    return "<none>";
  }
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS) return std::string(text);
  return std::string(simdjson::minify(element));
}

// Sums of successes, as the fake reducers fold them.
struct World {
  explicit World(job::Limits limits_in_use = {}) : limits(limits_in_use) {
    std::string pattern = (std::filesystem::temp_directory_path() / "api-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    dir = pattern;
    Services services{.submit = submit,
                      .query = query,
                      .control = control,
                      .upload = upload,
                      .feed = feed,
                      .blobs = blobs,
                      .authenticator = authenticator,
                      .clock = clock,
                      .random = random,
                      .limits = limits,
                      .url_secret = std::string(32, 's'),
                      .blob_file = [this](std::string_view key) { return BlobFile(key); },
                      .ready = [this] { return ready; },
                      .metrics = [] { return std::string("ubertoons_workers 1\n"); },
                      .jwks = [] { return std::string(R"({"keys":[]})"); },
                      .event_interval = std::chrono::milliseconds(1)};
    api = std::make_unique<Api>(std::move(services));
  }
  ~World() {
    api.reset();
    std::filesystem::remove_all(dir);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Reply Send(const Ask& ask) {
    http::RequestHead head{.method = ask.method, .target = ask.target, .peer = ask.peer};
    const std::size_t mark = ask.target.find('?');
    head.path = http::PercentDecode(ask.target.substr(0, mark)).value_or("/");
    if (mark != std::string::npos) head.query = ask.target.substr(mark + 1);
    head.headers = ask.headers;
    head.headers.emplace_back("Host", "toons.test:8080");
    if (!ask.token.empty()) head.headers.emplace_back("Authorization", "Bearer " + ask.token);
    if (!ask.body.empty()) head.content_length = ask.body.size();
    http::Handler::Plan plan = api->Begin(head);
    if (plan.refuse) return ToReply(*std::move(plan.refuse));
    for (std::size_t at = 0; at < ask.body.size(); at += ask.piece) {
      const std::size_t size = std::min(ask.piece, ask.body.size() - at);
      const auto written = plan.call->Write(std::string_view(ask.body).substr(at, size));
      if (!written) return ToReply(plan.call->Fail(written.error()));
    }
    std::optional<Reply> reply;
    plan.call->Finish([&](http::Response response) { reply = ToReply(std::move(response)); });
    EXPECT_TRUE(reply.has_value()) << "nobody answered " << ask.target;
    return reply.value_or(Reply{});
  }
  Reply Get(std::string target, std::string token = "ana:viewer") {
    return Send({.target = std::move(target), .token = std::move(token)});
  }
  Reply Post(std::string target, std::string body, http::Headers headers = {}) {
    return Send(
        {.method = "POST", .target = std::move(target), .headers = std::move(headers), .body = std::move(body)});
  }
  // A job of `toons` message toons.
  Reply SubmitJob(const std::string& id, int toons = 1) {
    std::string body = R"({"jobId":")" + id + R"(","toons":[)";
    for (int i = 0; i < toons; ++i) {
      body += fmt::format(R"({}{{"toonId":"t{}","type":"message","json":{{"n":{}}}}})", i == 0 ? "" : ",", i, i);
    }
    return Post("/submit-job", body + "]}");
  }

  static job::JobKey Key(std::string_view id) { return {.tenant = job::TenantId("ana"), .job = job::JobId(id)}; }

  // One more toon of the job ends well, with an artifact.
  void Succeed(std::string_view id, job::Position position, std::string_view artifact = "",
               std::string_view content_type = "text/csv") {
    job::Outcome outcome{.position = position,
                         .state = job::ToonState::kSucceeded,
                         .toon_id = job::ToonId(fmt::format("t{}", position)),
                         .type = "message",
                         .result_json = R"({"ok":true})",
                         .sha256 = base::Sha256Of("x"),
                         .processed_at = clock.Now()};
    if (!artifact.empty()) {
      const base::Sha256 digest = base::Sha256Of(artifact);
      blobs.Plant(ports::ContentKey(Key(id).tenant, digest), std::string(artifact));
      outcome.artifacts.push_back({.name = "clean \"1\".csv",
                                   .content_type = std::string(content_type),
                                   .bytes = artifact.size(),
                                   .sha256 = digest});
    }
    const auto recorded = store.Record({.key = Key(id),
                                        .generation = 1,
                                        .outcomes = {wire::ToRow(outcome)},
                                        .partials = {{.reducer = "summary", .bytes = "1"}}});
    ASSERT_TRUE(recorded) << recorded.error().message;
    feed.Publish(recorded->job);
  }
  // A toon of the job fails for having killed its executors; its bytes, as "image", go into quarantine.
  void Kill(std::string_view id, job::Position position, std::string_view bytes = "bomb",
            std::string_view tenant = "ana") {
    const job::JobKey key{.tenant = job::TenantId(tenant), .job = job::JobId(id)};
    const job::ToonError error{.code = "memory-limit", .message = "it wanted 9 GB"};
    const job::ToonId toon(fmt::format("t{}", position));
    const job::Outcome outcome{.position = position,
                               .state = job::ToonState::kFailed,
                               .toon_id = toon,
                               .type = "image",
                               .sha256 = base::Sha256Of(bytes),
                               .processed_at = clock.Now(),
                               .error = error};
    const auto recorded = store.Record({.key = key,
                                        .generation = 1,
                                        .outcomes = {wire::ToRow(outcome)},
                                        .quarantined = {{.bytes = {.sha256 = base::Sha256Of(bytes), .type = "image"},
                                                         .error = error,
                                                         .job = key.job,
                                                         .toon = toon,
                                                         .at = clock.Now()}}});
    ASSERT_TRUE(recorded) << recorded.error().message;
  }
  // Every toon has ended; so do the reducers.
  void End(std::string_view id) {
    const auto change = [&](auto transition) {
      const auto changed = flow::ChangeJob(context, Key(id), [&](const job::Job& job) -> base::Result<flow::Change> {
        UT_TRY_ASSIGN(auto next, transition(job));
        return flow::Change{.next = std::move(next)};
      });
      ASSERT_TRUE(changed) << changed.error().message;
    };
    change([&](const job::Job& job) { return job::BeginReduce(job, clock.Now()); });
    change([&](const job::Job& job) { return job::Reduced(job, {.reducer = "summary"}, clock.Now()); });
  }

  base::Result<std::string> BlobFile(std::string_view key) {
    const auto size = blobs.Size(key);
    if (!size || !*size) return base::Fail(base::Code::kNotFound, "gone");
    std::string bytes;
    UT_TRY(blobs.Read(key, 0, size->value_or(0), bytes));
    std::string path = fmt::format("{}/{}", dir, base::ToHex(base::Sha256Of(key)));
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  job::Limits limits;
  std::string dir;
  fakes::ManualClock clock;
  base::SeededRandom random{1};
  fakes::FakePartialMerger merger;
  fakes::FakeStore store{merger};
  fakes::FakeBlobStore blobs{&clock};
  fakes::FakeCatalog catalog;
  fakes::FakeReducerRegistry reducers;
  FakeFeed feed;
  FakeStarter starter;
  FakeAuthenticator authenticator;
  base::Status ready;
  flow::Context context{.jobs = store,
                        .plans = store,
                        .outcomes = store,
                        .references = store,
                        .reuse = store,
                        .quarantine = store,
                        .outbox = store,
                        .blobs = blobs,
                        .catalog = catalog,
                        .reducers = reducers,
                        .notifier = feed,
                        .clock = clock,
                        .random = random,
                        .limits = limits};
  flow::Submit submit{context, starter};
  flow::Query query{context};
  flow::Control control{context, starter};
  flow::Upload upload{context};
  std::unique_ptr<Api> api;
};

}  // namespace api
