#include "cli/submit.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/json_read.h"
#include "cli/watch.h"

namespace cli {
namespace {

constexpr std::string_view kManifestType = "application/x-ndjson";

std::string TemporaryFolder(const Environment& env) {
  const auto found = env.variables.find("TMPDIR");
  return found == env.variables.end() || found->second.empty() ? "/tmp" : found->second;
}

bool Has(const Members& envelope, std::string_view key) {
  return std::ranges::any_of(envelope, [&](const auto& member) { return member.first == key; });
}

// One submission on its way from the command line to the server.
class Submitter {
 public:
  Submitter(Shell& shell, const SubmitOptions& options)
      : shell_(shell),
        options_(options),
        spool_(TemporaryFolder(shell.env)),
        uploader_(shell.session, shell.err),
        gatherer_(spool_, uploader_, options.type) {}

  Try<Document> Run() {
    UT_TRY(Gather());
    UT_TRY(ApplyFlags(options_, envelope_));
    UT_TRY_ASSIGN(const std::string toons, ToonsMember());
    ApiRequest request{.method = "POST",
                       .path = "/submit-job",
                       .headers = {{"Content-Type", "application/json"}},
                       .body = RenderEnvelope(envelope_, toons)};
    // So that trying again after a lost answer does not make a second job.
    if (!Has(envelope_, "jobId")) request.headers.emplace_back("Idempotency-Key", shell_.env.random->Hex(16));
    auto answer = shell_.session.Fetch(request);
    if (!answer) NamePlaces(answer.error());
    return answer;
  }

 private:
  Try<void> Gather() {
    if (options_.manifest) return GatherManifest();
    if (options_.paths == std::vector<std::string>{"-"}) return gatherer_.AddLines(shell_.env.in, "standard input");
    if (options_.paths.size() == 1 && options_.type.empty() && options_.paths[0].ends_with(".json")) {
      UT_TRY_ASSIGN(const std::string text, ReadSmallFile(options_.paths[0], kDocumentBytes));
      if (IsSubmission(text)) return GatherDocument(text);
    }
    UT_TRY_ASSIGN(const std::vector<FoundFile> files, FindFiles(options_.paths));
    return gatherer_.AddFiles(files);
  }

  Try<void> GatherDocument(const std::string& text) {
    UT_TRY_ASSIGN(envelope_, gatherer_.AddDocument(options_.paths[0], text));
    return {};
  }

  Try<void> GatherManifest() {
    if (options_.paths.size() != 1) return FailUsage("--manifest takes exactly one NDJSON file");
    const std::string& path = options_.paths[0];
    if (path == "-") return FailUsage("--manifest takes a file; without it \"-\" reads NDJSON of any length");
    UT_TRY_ASSIGN(const FileDigest digest, DigestFile(path));
    return UploadManifest({path, path, std::string(kManifestType), digest});
  }

  Try<void> UploadManifest(const UploadSource& source) {
    UT_TRY_ASSIGN(const std::string uri, uploader_.Upload(source));
    manifest_member_ = "\"manifestUri\":" + Quoted(uri);
    return {};
  }

  // What carries the toons: a list, or the manifest's URI. A document with its own manifestUri needs neither.
  Try<std::string> ToonsMember() {
    if (!manifest_member_.empty()) return manifest_member_;
    if (Has(envelope_, "manifestUri") && spool_.count() == 0) return std::string{};
    if (spool_.count() == 0) return FailUsage("there are no toons to submit");
    if (!spool_.large()) return "\"toons\":[" + spool_.InlineToons() + "]";
    UT_TRY_ASSIGN(const std::string path, spool_.Seal());
    const std::string label = fmt::format("a manifest of {} toons", Grouped(spool_.count()));
    UT_TRY(UploadManifest({path, label, std::string(kManifestType), {spool_.bytes(), spool_.Digest()}}));
    return manifest_member_;
  }

  // "/toons/3/type" says little to who named files.
  void NamePlaces(Failure& failure) const {
    constexpr std::string_view kToons = "/toons/";
    for (base::FieldError& field : failure.fields) {
      if (!field.pointer.starts_with(kToons)) continue;
      const std::string_view rest = std::string_view(field.pointer).substr(kToons.size());
      std::size_t index = 0;
      if (std::from_chars(rest.data(), rest.data() + rest.size(), index).ec != std::errc()) continue;
      if (index < spool_.labels().size()) field.detail += fmt::format(" ({})", spool_.labels()[index]);
    }
  }

  Shell& shell_;
  const SubmitOptions& options_;
  Spool spool_;
  Uploader uploader_;
  Gatherer gatherer_;
  Members envelope_;
  std::string manifest_member_;
};

}  // namespace

Try<Exit> RunSubmit(Shell& shell, const SubmitOptions& options) {
  UT_TRY_ASSIGN(const Document accepted, Submitter(shell, options).Run());
  const std::string job_id = TextAt(accepted.value, "jobId");
  if (job_id.empty()) return Fail(Exit::kInternal, "The server's answer names no job", {});
  const auto toons = CountAt(accepted.value, "toonCount");
  shell.err.Write(fmt::format("Accepted {}{}\n", Printable(job_id),
                              toons ? fmt::format(": {} toon{}", Grouped(*toons), *toons == 1 ? "" : "s") : ""));
  shell.err.Flush();
  if (!options.json) shell.out.Write((shell.out.tty() ? Printable(job_id) : job_id) + "\n");
  if (options.json && !options.watch) WriteJson(shell.out, accepted.text);
  shell.out.Flush();
  if (!options.watch) return Exit::kOk;
  return WatchToEnd(shell, job_id, options.json ? Format::kJson : Format::kText);
}

}  // namespace cli
