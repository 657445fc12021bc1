#include "cli/artifacts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "cli/files.h"
#include "cli/paths.h"
#include "cli/results.h"

namespace cli {
namespace {

constexpr std::string_view kJobFolder = "_job";

struct Wanted {
  std::string name;
  std::string sha256;
  std::uint64_t bytes = 0;
};

std::optional<Wanted> WantedOf(const json::value& artifact) {
  Wanted wanted{.name = TextAt(artifact, "name"),
                .sha256 = TextAt(artifact, "sha256"),
                .bytes = CountAt(artifact, "bytes").value_or(0)};
  if (wanted.name.empty() || !base::Sha256FromHex(wanted.sha256)) return std::nullopt;
  return wanted;
}

// A file that has its name only once its content is whole and right; until then `path` + ".part".
class Arrival {
 public:
  explicit Arrival(std::string path) : path_(std::move(path)), part_(path_ + ".part") {}
  ~Arrival() {
    if (file_.get() >= 0) unlink(part_.c_str());
  }
  Arrival(const Arrival&) = delete;
  Arrival& operator=(const Arrival&) = delete;

  Try<void> Open() {
    // A leftover of a killed run, or a link that somebody put there, is not written through.
    if (unlink(part_.c_str()) != 0 && errno != ENOENT) return FailLocal("remove " + part_, errno);
    file_ = Descriptor(open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (file_.get() < 0) return FailLocal("create " + part_, errno);
    return {};
  }
  Try<void> Write(std::string_view piece) {
    bytes_ += piece.size();
    digest_.Update(piece);
    return WriteAll(file_.get(), piece, part_);
  }
  Try<void> Settle(const Wanted& wanted) {
    if (base::ToHex(digest_.Finish()) != wanted.sha256) {
      return Fail(Exit::kInternal, "A download is damaged",
                  fmt::format("{} has {} bytes that are not those of its SHA-256 {}", path_, bytes_, wanted.sha256));
    }
    if (rename(part_.c_str(), path_.c_str()) != 0) return FailLocal("rename " + part_, errno);
    file_ = Descriptor();
    return {};
  }

 private:
  std::string path_;
  std::string part_;
  Descriptor file_;
  base::Sha256Stream digest_;
  std::uint64_t bytes_ = 0;
};

class Downloader {
 public:
  Downloader(Shell& shell, const ArtifactOptions& options) : shell_(shell), options_(options) {}

  Try<void> Take(const std::string& place, std::string_view toon_id, const json::value& artifact) {
    const std::optional<Wanted> wanted = WantedOf(artifact);
    if (!wanted) return Fail(Exit::kInternal, "The server describes an artifact without name or SHA-256", place);
    const std::string path = fmt::format("{}/{}/{}", options_.folder, place, SafeFileName(wanted->name));
    UT_TRY(MakeFolder(std::filesystem::path(path).parent_path()));
    if (IsThere(path, *wanted)) {
      ++kept_;
    } else {
      UT_TRY(Download(path, *wanted));
      bytes_ += wanted->bytes;
      ++downloaded_;
    }
    Report(path, toon_id, *wanted);
    return {};
  }

  void Conclude() {
    const std::string kept = kept_ == 0 ? "" : fmt::format(", {} were there already", Grouped(kept_));
    shell_.err.Write(fmt::format("{} artifacts downloaded ({}) to {}{}\n", Grouped(downloaded_), HumanBytes(bytes_),
                                 Printable(options_.folder), kept));
  }

 private:
  static Try<void> MakeFolder(const std::filesystem::path& folder) {
    std::error_code ec;
    std::filesystem::create_directories(folder, ec);
    if (ec) return FailLocal("create folder " + folder.string(), ec.value());
    return {};
  }

  static bool IsThere(const std::string& path, const Wanted& wanted) {
    struct stat info{};
    if (lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
    const auto digest = DigestFile(path);
    return digest && base::ToHex(digest->sha256) == wanted.sha256;
  }

  Try<void> Download(const std::string& path, const Wanted& wanted) {
    Arrival arrival(path);
    UT_TRY(arrival.Open());
    Try<void> written;
    // As slow as 32 KiB a second is waited for; slower is as good as stuck.
    ApiRequest request{.path = "/artifacts/" + wanted.sha256,
                       .timeout = std::chrono::seconds(60 + wanted.bytes / (32U << 10U))};
    request.on_data = [&](std::string_view piece) {
      written = arrival.Write(piece);
      return written.has_value();
    };
    auto response = shell_.session.Send(request);
    UT_TRY(written);
    UT_TRY(response);
    return arrival.Settle(wanted);
  }

  void Report(const std::string& path, std::string_view toon_id, const Wanted& wanted) {
    if (options_.json) {
      WriteJson(shell_.out, fmt::format(R"({{"path":{},"toonId":{},"name":{},"bytes":{},"sha256":{}}})", Quoted(path),
                                        toon_id.empty() ? "null" : Quoted(toon_id), Quoted(wanted.name), wanted.bytes,
                                        Quoted(wanted.sha256)));
    } else {
      shell_.out.Write((shell_.out.tty() ? Printable(path) : path) + "\n");
    }
  }

  Shell& shell_;
  const ArtifactOptions& options_;
  std::uint64_t downloaded_ = 0;
  std::uint64_t kept_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Try<Exit> RunArtifacts(Shell& shell, const ArtifactOptions& options) {
  Downloader downloader(shell, options);
  UT_TRY_ASSIGN(const Document job, shell.session.Get(JobPath(options.job_id)));
  if (const json::array* list = ArrayAt(job.value, "artifacts")) {
    for (const json::value& artifact : *list) UT_TRY(downloader.Take(std::string(kJobFolder), {}, artifact));
  }
  const ResultQuery query{.job_id = options.job_id};
  UT_TRY(EachPage(shell.session, query, [&](const std::vector<ResultRow>& rows) -> Try<bool> {
    for (const ResultRow& row : rows) {
      const json::array* list = ArrayAt(*row.value, "artifacts");
      if (list == nullptr) continue;
      const std::string toon = TextAt(*row.value, "toonId");
      for (const json::value& artifact : *list)
        UT_TRY(downloader.Take(SafeRelativePath(toon, kJobFolder), toon, artifact));
    }
    shell.out.Flush();
    return true;
  }));
  downloader.Conclude();
  return Exit::kOk;
}

}  // namespace cli
