#include "cli/gather.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "cli/guess.h"
#include "cli/json_read.h"
#include "cli/paths.h"
#include "cli/utf8.h"
#include "job/limits.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

// A file as found: where it is, and how it is called below what was named.
struct Candidate {
  std::string path;
  std::string name;
};

Try<void> CheckKind(const fs::path& path) {
  std::error_code ec;
  const fs::file_status status = fs::status(path, ec);
  if (status.type() == fs::file_type::not_found || ec) {
    return FailUsage(fmt::format("cannot read {}: {}", path.string(), ec ? ec.message() : "No such file or directory"));
  }
  if (fs::is_regular_file(status) || fs::is_directory(status)) return {};
  return FailUsage(fmt::format("cannot read {}: neither a file nor a folder", path.string()));
}

Try<void> ListFolder(const fs::path& folder, std::vector<Candidate>& out) {
  std::error_code ec;
  std::vector<Candidate> found;
  fs::recursive_directory_iterator walk(folder, ec);
  for (; !ec && walk != fs::recursive_directory_iterator(); walk.increment(ec)) {
    const fs::path& path = walk->path();
    UT_TRY(CheckKind(path));
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      // Links to folders may go in circles.
      if (fs::is_symlink(path, ignored)) {
        return FailUsage(fmt::format("{} is a link to a folder: name that folder itself", path.string()));
      }
      continue;
    }
    found.push_back({path.string(), path.lexically_relative(folder).string()});
  }
  if (ec) return FailUsage(fmt::format("cannot read {}: {}", folder.string(), ec.message()));
  if (found.empty()) return FailUsage(fmt::format("{} has no files", folder.string()));
  std::ranges::sort(found, {}, &Candidate::name);
  out.insert(out.end(), found.begin(), found.end());
  return {};
}

Try<void> RefuseTwins(const std::vector<Candidate>& candidates) {
  std::map<std::string, std::string> seen;
  for (const Candidate& candidate : candidates) {
    std::error_code ec;
    const fs::path whole = fs::canonical(candidate.path, ec);
    if (ec) return FailUsage(fmt::format("cannot read {}: {}", candidate.path, ec.message()));
    const auto [twin, fresh] = seen.emplace(whole.string(), candidate.path);
    if (!fresh) return FailUsage(fmt::format("{} is named twice (also as {})", candidate.path, twin->second));
  }
  return {};
}

std::vector<FoundFile> NameToons(const std::vector<Candidate>& candidates) {
  std::map<std::string, int> uses;
  for (const Candidate& candidate : candidates) ++uses[ToonIdOf(candidate.name)];
  std::set<std::string> taken;
  std::vector<FoundFile> files;
  for (const Candidate& candidate : candidates) {
    std::string id = ToonIdOf(candidate.name);
    if (uses[id] > 1) id = ToonIdOf(fs::path(candidate.path).lexically_normal().string());
    for (int copy = 2; !taken.insert(id).second; ++copy) id = ToonIdOf(fmt::format("{}~{}", candidate.name, copy));
    files.push_back({candidate.path, std::move(id)});
  }
  return files;
}

std::string Trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}

std::string InlineMember(Carriage carriage, std::string_view bytes) {
  if (carriage == Carriage::kJson && !JsonFault(bytes)) return "\"json\":" + OneLine(Trimmed(bytes));
  if (carriage != Carriage::kData && IsUtf8(bytes)) return "\"text\":" + Quoted(bytes);
  return "\"data\":\"" + base::ToBase64(bytes) + "\"";
}

constexpr std::string_view kSources[] = {"data", "text", "json", "uri"};

}  // namespace

Try<std::vector<FoundFile>> FindFiles(const std::vector<std::string>& paths) {
  std::vector<Candidate> candidates;
  for (const std::string& path : paths) {
    UT_TRY(CheckKind(path));
    std::error_code ec;
    if (fs::is_directory(path, ec)) {
      UT_TRY(ListFolder(path, candidates));
    } else {
      candidates.push_back({path, fs::path(path).filename().string()});
    }
  }
  UT_TRY(RefuseTwins(candidates));
  return NameToons(candidates);
}

Try<void> Gatherer::AddFiles(const std::vector<FoundFile>& files) {
  for (const FoundFile& file : files) UT_TRY(AddFile(file));
  return {};
}

Try<void> Gatherer::AddFile(const FoundFile& file) {
  UT_TRY_ASSIGN(const Source source, SourceOf(file.path, type_));
  const std::string line =
      fmt::format(R"({{"toonId":{},"type":{},{}}})", Quoted(file.toon_id), Quoted(source.type), source.member);
  return spool_.Add(line, file.path);
}

Try<Gatherer::Source> Gatherer::SourceOf(const std::string& path, const std::string& type) {
  UT_TRY_ASSIGN(const Descriptor file, OpenForReading(path));
  std::string bytes;
  FileDigest digest;
  base::Sha256Stream stream;
  UT_TRY(ReadPieces(file.get(), path, [&](std::string_view piece) -> Try<void> {
    digest.bytes += piece.size();
    stream.Update(piece);
    if (bytes.size() <= kMostInlineFileBytes) bytes += piece;
    return {};
  }));
  digest.sha256 = stream.Finish();
  const Guess guess = GuessType(path, std::string_view(bytes).substr(0, 64));
  Source source{.type = type.empty() ? guess.type : type};
  if (digest.bytes <= kMostInlineFileBytes) {
    source.member = InlineMember(guess.carriage, bytes);
    return source;
  }
  UT_TRY_ASSIGN(const std::string uri, uploader_.Upload({path, path, guess.content_type, digest}));
  source.member = "\"uri\":" + Quoted(uri);
  return source;
}

Try<void> Gatherer::AddLines(int fd, const std::string& name) {
  const std::uint64_t longest = job::Limits{}.max_toon_bytes;
  std::string rest;
  std::uint64_t number = 0;
  UT_TRY(ReadPieces(fd, name, [&](std::string_view piece) -> Try<void> {
    for (std::size_t end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
      rest += piece.substr(0, end);
      piece.remove_prefix(end + 1);
      UT_TRY(AddLine(rest, name, ++number));
      rest.clear();
    }
    rest += piece;
    if (rest.size() <= longest) return {};
    return FailUsage(fmt::format("{}: line {} is over {}", name, number + 1, HumanBytes(longest)));
  }));
  return AddLine(rest, name, number + 1);
}

Try<void> Gatherer::AddLine(std::string_view line, const std::string& name, std::uint64_t number) {
  const std::string toon = Trimmed(line);
  if (toon.empty()) return {};
  const std::string label = fmt::format("{}: line {}", name, number);
  if (!toon.starts_with('{')) return FailUsage(label + " is not a JSON object");
  // Inline lines become part of our own document, so they have to be whole; of a manifest the server says what is
  // wrong.
  if (!spool_.large()) {
    if (const auto fault = JsonFault(toon)) return FailUsage(fmt::format("{} is not JSON: {}", label, *fault));
  }
  return spool_.Add(OneLine(toon), label);
}

Try<Members> Gatherer::AddDocument(const std::string& path, const std::string& text) {
  if (const auto fault = JsonFault(text)) return FailUsage(fmt::format("{} is not JSON: {}", path, *fault));
  const auto members = RawMembers(text);
  if (!members) return FailUsage(fmt::format("{} is not a JSON object", path));
  Members envelope;
  bool seen = false;
  for (const RawMember& member : *members) {
    if (member.key != "toons") {
      envelope.emplace_back(member.key, OneLine(member.value));
      continue;
    }
    const auto toons = RawElements(member.value);
    if (!toons || seen) return FailUsage(fmt::format("{}: \"toons\" must be one list", path));
    seen = true;
    for (std::size_t i = 0; i < toons->size(); ++i) UT_TRY(AddDocumentToon(path, (*toons)[i], i));
  }
  return envelope;
}

Try<void> Gatherer::AddDocumentToon(const std::string& path, std::string_view raw, std::size_t index) {
  const std::string place = fmt::format("{}: /toons/{}", path, index);
  const auto members = RawMembers(raw);
  if (!members) return FailUsage(place + " is not an object");
  const auto named = [&](std::string_view key) { return std::ranges::find(*members, key, &RawMember::key); };
  const auto file = named("file");
  if (file == members->end()) return spool_.Add(OneLine(raw), place);
  for (const std::string_view key : kSources) {
    if (named(key) != members->end()) return FailUsage(fmt::format("{} has both \"file\" and \"{}\"", place, key));
  }
  const auto relative = ParseJson(file->value);
  if (!relative || !relative->is_string()) return FailUsage(place + "/file is not a string");
  const std::string name(relative->get_string());
  const std::string resolved = ResolveBelow(fs::path(path).parent_path().string(), name);
  if (resolved.empty()) return FailUsage(fmt::format("{}/file: {} is not below the manifest's folder", place, name));
  UT_TRY_ASSIGN(const Source source, SourceOf(resolved, {}));
  std::string line = "{" + source.member;
  for (const RawMember& member : *members) {
    if (member.key != "file") line += fmt::format(",{}:{}", member.name, OneLine(member.value));
  }
  if (named("type") == members->end()) line += ",\"type\":" + Quoted(source.type);
  if (named("toonId") == members->end()) line += ",\"toonId\":" + Quoted(ToonIdOf(name));
  return spool_.Add(line + "}", name);
}

bool IsSubmission(std::string_view text) {
  const auto members = RawMembers(text);
  return members && std::ranges::any_of(*members, [](const RawMember& member) {
           return member.key == "toons" || member.key == "manifestUri";
         });
}

}  // namespace cli
