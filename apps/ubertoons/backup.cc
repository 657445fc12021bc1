#include "backup.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "auth/auth.h"
#include "base/error.h"
#include "base/folder.h"
#include "base/log.h"
#include "copy_tree.h"
#include "http/client.h"
#include "local/files.h"
#include "store/store.h"
#include "wire/strict_json.h"

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kSignOfLife{60};

bool Exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool EmptyOrAbsent(const std::string& path) {
  std::error_code error;
  return !fs::exists(path, error) || (fs::is_directory(path, error) && fs::is_empty(path, error));
}

std::string TextOf(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  return text;
}

int Refuse(const base::Error& error) {
  fmt::print(stderr, "ubertoons: {}\n", error.message);
  return error.code == base::Code::kInvalid ? 2 : base::PolicyOf(error.code).exit_code;
}

// The database standing still, and blobs that stay, for as long as it lives.
class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual std::string database() const = 0;
  [[nodiscard]] virtual base::Status StillHeld() = 0;  // called often
  [[nodiscard]] virtual base::Status End() = 0;        // OK: it was held all the time
};

class Stopped final : public Source {
 public:
  Stopped(std::string data, std::unique_ptr<store::FolderHold> hold) : data_(std::move(data)), hold_(std::move(hold)) {}
  [[nodiscard]] std::string database() const override { return data_ + "/db"; }
  [[nodiscard]] base::Status StillHeld() override { return {}; }
  [[nodiscard]] base::Status End() override { return {}; }

 private:
  std::string data_;
  std::unique_ptr<store::FolderHold> hold_;
};

class Serving final : public Source {
 public:
  Serving(const BackupFlags& flags, const base::Clock& clock, std::string url, std::string secret)
      : flags_(flags), clock_(clock), url_(std::move(url)), secret_(std::move(secret)) {}
  ~Serving() override {
    if (!id_.empty()) (void)End();
  }

  [[nodiscard]] base::Status Begin() {
    UT_TRY_ASSIGN(auto alone, local::Folders(flags_.data).Lock("pictures", local::Folders::Hold::kAlone));
    if (!alone)
      return base::Fail(base::Code::kConflict, fmt::format("another backup of {} is being made", flags_.data));
    alone_ = std::move(*alone);
    auto body = Call("POST", "/backups");
    if (!body && body.error().code == base::Code::kConflict) {
      EndTheDead();
      body = Call("POST", "/backups");
    }
    if (!body) return std::unexpected(std::move(body).error());
    wire::StrictParser parser;
    std::string_view id;
    const auto parsed = parser.Parse(*body);
    if (!parsed || (*parsed)["id"].get(id) != simdjson::SUCCESS) {
      return base::Fail(base::Code::kUnavailable, fmt::format("{} is no Ubertoons server", url_));
    }
    id_ = id;
    renewed_ = clock_.Steady();
    if (Exists(database() + "/CURRENT")) return {};
    return base::Fail(base::Code::kInvalid,
                      fmt::format("the server at {} works on another folder than {}", url_, flags_.data));
  }
  [[nodiscard]] std::string database() const override { return fmt::format("{}/pictures/{}", flags_.data, id_); }
  [[nodiscard]] base::Status StillHeld() override {
    if (clock_.Steady() - renewed_ < kSignOfLife) return {};
    UT_TRY(Call("PUT", "/backups/" + id_));
    renewed_ = clock_.Steady();
    return {};
  }
  [[nodiscard]] base::Status End() override {
    UT_TRY(Call("DELETE", "/backups/" + std::exchange(id_, {})));
    return {};
  }

 private:
  // Whoever began the pictures that are there died without a word, or the lock would not be ours.
  void EndTheDead() {
    std::error_code error;
    for (auto at = fs::directory_iterator(flags_.data + "/pictures", error); !error && at != fs::directory_iterator();
         at.increment(error)) {
      (void)Call("DELETE", "/backups/" + at->path().filename().string());
    }
  }

  [[nodiscard]] base::Result<std::string> Call(const std::string& method, const std::string& path) {
    const std::string target = auth::SignUrl(
        {.method = method, .path = path, .expires_at = clock_.Now() + std::chrono::minutes(5), .bound = {}}, secret_);
    auto response = client_.Send(
        {.method = method, .url = url_ + target, .timeout = std::chrono::minutes(5), .ca_file = flags_.ca_file});
    if (!response) {
      return base::Fail(response.error().code,
                        fmt::format("a server holds {}, but {} does not answer: {}; is --url right?", flags_.data, url_,
                                    response.error().message));
    }
    if (response->status >= 200 && response->status < 300) return std::move(response->body);
    const base::Code code = response->status >= 500 ? base::Code::kUnavailable : base::Code::kConflict;
    return base::Fail(
        code, fmt::format("the server answered {} to {} {}: {}", response->status, method, path, response->body));
  }

  const BackupFlags& flags_;
  const base::Clock& clock_;
  const std::string url_;
  const std::string secret_;
  http::Client client_;
  local::Fd alone_;  // a lock of the pictures that ends with this process
  std::string id_;
  base::SteadyPoint renewed_{};
};

base::Result<std::unique_ptr<Source>> OpenSource(const BackupFlags& flags, const base::Clock& clock) {
  auto hold = store::HoldFolder(flags.data + "/db");
  if (hold) return std::make_unique<Stopped>(flags.data, std::move(*hold));
  // Where nothing can be written nobody serves: a disk that became read-only can be saved.
  if (hold.error().message.find("Read-only") != std::string::npos)
    return std::make_unique<Stopped>(flags.data, nullptr);
  if (hold.error().reason != "in-use") return std::unexpected(hold.error());
  std::string url = flags.url.empty() ? TextOf(flags.data + "/url") : flags.url;
  if (url.empty()) return base::Fail(base::Code::kInvalid, "a server holds the folder: say where it is with --url");
  UT_TRY_ASSIGN(const auto issuer, auth::LocalIssuer::Open(flags.data + "/keys"));
  auto serving = std::make_unique<Serving>(flags, clock, std::move(url), issuer->url_secret());
  UT_TRY(serving->Begin());
  return serving;
}

base::Status CheckFolders(const BackupFlags& flags) {
  if (!Exists(flags.data + "/db")) {
    return base::Fail(base::Code::kInvalid, fmt::format("{} is no data folder: it has no db", flags.data));
  }
  if (Exists(flags.data + "/BACKUP.json")) {
    return base::Fail(base::Code::kInvalid, fmt::format("{} is itself a backup: copy it", flags.data));
  }
  if (Exists(flags.data + "/RESTORING")) {
    return base::Fail(base::Code::kInvalid,
                      fmt::format("the restore into {} did not end: there is no whole folder to back up", flags.data));
  }
  if (!Exists(flags.data + "/db/CURRENT")) {
    return base::Fail(base::Code::kCorrupt,
                      fmt::format("{0}/db/CURRENT is missing: ubertoons check --data {0}", flags.data));
  }
  if (!EmptyOrAbsent(flags.to)) return base::Fail(base::Code::kInvalid, fmt::format("{} is not empty", flags.to));
  if (!flags.base.empty() && !Exists(flags.base + "/BACKUP.json")) {
    return base::Fail(base::Code::kInvalid, fmt::format("{} is no finished backup", flags.base));
  }
  return {};
}

base::Result<Copied> CopyAll(const BackupFlags& flags, const base::Clock& clock) {
  UT_TRY(CheckFolders(flags));
  UT_TRY(base::MakeDurableFolder(flags.to, base::Parents::kMade));
  UT_TRY_ASSIGN(const std::unique_ptr<Source> source, OpenSource(flags, clock));
  const auto step = [&] { return source->StillHeld(); };
  const auto below = [&](std::string_view name) {
    return flags.base.empty() ? std::string() : fmt::format("{}/{}", flags.base, name);
  };
  Copied copied;
  UT_TRY(CopyTree({.from = source->database(), .to = flags.to + "/db", .base = below("db"), .step = step}, copied));
  UT_TRY(
      CopyTree({.from = flags.data + "/keys", .to = flags.to + "/keys", .base = below("keys"), .step = step}, copied));
  // Only what is finished; what is being written lies in blobs/tmp.
  if (::mkdir((flags.to + "/blobs").c_str(), 0700) != 0) return base::FailErrno("create " + flags.to + "/blobs", errno);
  UT_TRY(CopyTree({.from = flags.data + "/blobs/t",
                   .to = flags.to + "/blobs/t",
                   .base = below("blobs/t"),
                   .alike = Alike::kByName,
                   .step = step},
                  copied));
  // Everything is read: what a slow disk still has to write needs no hold.
  UT_TRY(source->End());
  UT_TRY(SyncDisk(flags.to));
  UT_TRY(WriteDurably(flags.to + "/BACKUP.json",
                      fmt::format("{{\"format\":1,\"madeAt\":\"{}\",\"files\":{},\"bytes\":{},\"linked\":{}}}\n",
                                  base::FormatTime(clock.Now()), copied.files, copied.bytes, copied.linked)));
  return copied;
}

base::Result<Copied> RestoreAll(const RestoreFlags& flags) {
  const std::string marker = flags.from + "/BACKUP.json";
  wire::StrictParser parser;
  const std::string text = TextOf(marker);
  const auto parsed = parser.Parse(text);
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  if (!parsed || (*parsed)["files"].get(files) != simdjson::SUCCESS ||
      (*parsed)["bytes"].get(bytes) != simdjson::SUCCESS) {
    return base::Fail(base::Code::kInvalid,
                      fmt::format("{} is no finished backup: {} is missing or damaged", flags.from, marker));
  }
  if (!EmptyOrAbsent(flags.data)) {
    return base::Fail(base::Code::kInvalid, fmt::format("{} is not empty: restore into a new folder", flags.data));
  }
  UT_TRY(base::MakeDurableFolder(flags.data, base::Parents::kMade));
  UT_TRY(WriteDurably(flags.data + "/RESTORING", "A restore is under way, or was cut off.\n"));
  Copied copied;
  for (const std::string name : {"db", "keys", "blobs"}) {
    UT_TRY(CopyTree(
        {.from = fmt::format("{}/{}", flags.from, name), .to = fmt::format("{}/{}", flags.data, name), .base = {}},
        copied));
  }
  if (copied.files != files || copied.bytes != bytes) {
    return base::Fail(base::Code::kCorrupt,
                      fmt::format("{} has {} files with {} bytes, its BACKUP.json says {} with {}: it was changed",
                                  flags.from, copied.files, copied.bytes, files, bytes));
  }
  UT_TRY(SyncDisk(flags.data));
  std::error_code error;
  fs::remove(flags.data + "/RESTORING", error);
  if (error) return base::FailErrno("remove " + flags.data + "/RESTORING", error.value());
  UT_TRY(SyncDisk(flags.data));
  return copied;
}

}  // namespace

void AddBackup(CLI::App& app, BackupFlags& flags, std::function<void()> chosen) {
  CLI::App* backup = app.add_subcommand("backup", "Copy a data folder, also while its server works")->group("Server");
  backup->add_option("--data", flags.data, "The server's data folder")->type_name("DIR")->required();
  backup->add_option("--to", flags.to, "A new folder for the backup")->type_name("DIR")->required();
  backup->add_option("--base", flags.base, "An earlier backup on the same disk; what did not change is shared with it")
      ->type_name("DIR");
  backup->add_option("--url", flags.url, "The running server [as it wrote into DIR/url]")->type_name("URL");
  backup->add_option("--ca-file", flags.ca_file, "PEM file of certificates to trust")->type_name("FILE");
  backup->callback(std::move(chosen));
}

void AddRestore(CLI::App& app, RestoreFlags& flags, std::function<void()> chosen) {
  CLI::App* restore = app.add_subcommand("restore", "Make a data folder of a backup; then check it")->group("Server");
  restore->add_option("--from", flags.from, "The backup")->type_name("DIR")->required();
  restore->add_option("--data", flags.data, "A new data folder")->type_name("DIR")->required();
  restore->callback(std::move(chosen));
}

int MakeBackup(const BackupFlags& flags, const base::Clock& clock) {
  const auto copied = CopyAll(flags, clock);
  if (!copied) return Refuse(copied.error());
  fmt::print("{}: {} files, {} bytes; {} files shared with {}\n", flags.to, copied->files, copied->bytes,
             copied->linked, flags.base.empty() ? "no other" : flags.base);
  return 0;
}

int Restore(const RestoreFlags& flags) {
  const auto copied = RestoreAll(flags);
  if (!copied) return Refuse(copied.error());
  fmt::print("{}: {} files, {} bytes. Verify it: ubertoons check --data {}\n", flags.data, copied->files, copied->bytes,
             flags.data);
  return 0;
}

base::Status RefuseFolder(const std::string& data) {
  if (Exists(data + "/BACKUP.json")) {
    return base::Fail(base::Code::kConflict,
                      fmt::format("{} is a backup: make a data folder of it with ubertoons restore", data));
  }
  if (Exists(data + "/RESTORING")) {
    return base::Fail(base::Code::kConflict,
                      fmt::format("the restore into {} did not end: remove the folder and restore again", data));
  }
  if (!Exists(data + "/db") && !EmptyOrAbsent(data + "/blobs/t")) {
    return base::Fail(base::Code::kCorrupt, fmt::format("{} has blobs, but its database is gone: {}/db", data, data));
  }
  return {};
}
