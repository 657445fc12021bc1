#include "store/log_tail.h"

#include <fmt/format.h>
#include <rocksdb/file_checksum.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

namespace store {

namespace {

constexpr std::size_t kBlockBytes = 32'768;
constexpr std::size_t kHeaderBytes = 7;       // checksum u32, length u16, type u8; little-endian
constexpr std::size_t kEmptyBatchBytes = 12;  // sequence u64, count u32
constexpr std::uint8_t kFull = 1;             // a batch whole; 2, 3, 4: its first, a middle, its last fragment
constexpr std::uint8_t kFirst = 2;
constexpr std::uint8_t kLast = 4;

std::uint32_t Crc32c(std::string_view bytes) {
  static const auto factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  const auto generator = factory->CreateFileChecksumGenerator({});
  generator->Update(bytes.data(), bytes.size());
  generator->Finalize();
  std::uint32_t crc = 0;  // given big-endian
  for (const char byte : generator->GetChecksum()) crc = crc << 8U | static_cast<std::uint8_t>(byte);
  return crc;
}

// Checksums are stored rotated and shifted, so that one over bytes that hold another stays a good one.
std::uint32_t Masked(std::uint32_t crc) {
  return ((crc >> 15U) | (crc << 17U)) + 0xA282EAD8U;
}

std::uint8_t ByteAt(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::size_t LengthOf(std::string_view header) {
  return ByteAt(header, 4) | static_cast<std::size_t>(ByteAt(header, 5)) << 8U;
}

struct Fragment {
  std::uint8_t type = 0;
  std::size_t bytes = 0;  // with its header
};

// The whole fragment that `bytes` (the rest of a block) begin with; nullopt: there is none.
std::optional<Fragment> ReadFragment(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  const std::size_t length = LengthOf(bytes);
  const std::uint8_t type = ByteAt(bytes, 6);
  if (type < kFull || type > kLast || kHeaderBytes + length > bytes.size()) return std::nullopt;
  std::uint32_t stored = 0;
  for (unsigned i = 0; i < 4; ++i) stored |= static_cast<std::uint32_t>(ByteAt(bytes, i)) << 8U * i;
  if (Masked(Crc32c(bytes.substr(6, 1 + length))) != stored) return std::nullopt;
  return Fragment{.type = type, .bytes = kHeaderBytes + length};
}

// Is this end of a log, which is no fragment, what a shorter write or room made ahead leaves?
bool JustEnds(std::string_view bytes) {
  return bytes.size() < kHeaderBytes || kHeaderBytes + LengthOf(bytes) > bytes.size() ||
         bytes.find_first_not_of('\0') == std::string_view::npos;
}

// Does a batch begin anywhere in this rest of a block? The damage may hide where: every place is tried.
bool BatchBegins(std::string_view block) {
  for (std::size_t at = 0; at + kHeaderBytes <= block.size();) {
    const auto fragment = ReadFragment(block.substr(at));
    if (fragment && (fragment->type == kFull || fragment->type == kFirst)) return true;
    at += fragment ? fragment->bytes : 1;
  }
  return false;
}

}  // namespace

LogTail ExamineLog(std::string_view log) {
  bool damaged = false;
  for (std::size_t start = 0; start < log.size(); start += kBlockBytes) {
    std::string_view block = log.substr(start, kBlockBytes);
    const bool last = start + kBlockBytes >= log.size();
    while (!damaged && block.size() >= kHeaderBytes) {
      const auto fragment = ReadFragment(block);
      if (!fragment) {
        damaged = !(last && JustEnds(block));
        if (!damaged && BatchBegins(block)) return LogTail::kDamaged;
        break;
      }
      block.remove_prefix(fragment->bytes);
    }
    if (damaged && BatchBegins(block)) return LogTail::kDamaged;
  }
  return damaged ? LogTail::kTorn : LogTail::kWhole;
}

base::Result<ExaminedLogs> ExamineLogs(const std::string& dir) {
  std::vector<std::filesystem::path> logs;
  std::error_code error;
  for (auto at = std::filesystem::directory_iterator(dir, error); !error && at != std::filesystem::directory_iterator();
       at.increment(error)) {
    if (at->path().extension() == ".log") logs.push_back(at->path());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return base::FailErrno(fmt::format("list {}", dir), error.value());
  }
  std::ranges::sort(logs);  // numbers of one length
  ExaminedLogs examined;
  for (const std::filesystem::path& path : logs) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return base::FailErrno(fmt::format("open {}", path.string()), errno);
    std::string bytes(std::filesystem::file_size(path, error), '\0');  // at once: growing holds it twice
    if (error) return base::FailErrno(fmt::format("measure {}", path.string()), error.value());
    if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
      return base::Fail(base::Code::kUnavailable, fmt::format("cannot read {}", path.string()));
    }
    if (bytes.size() <= kHeaderBytes + kEmptyBatchBytes) continue;
    const LogTail tail = ExamineLog(bytes);
    if (tail == LogTail::kDamaged && examined.damaged.empty()) examined.damaged = path.string();
    if (examined.newest == LogTail::kTorn) examined.older_torn = true;
    examined.newest = tail;
  }
  return examined;
}

}  // namespace store
