#include "store/log_tail.h"

#include <gtest/gtest.h>
#include <rocksdb/file_checksum.h>

#include <vector>

namespace store {
namespace {

constexpr std::size_t kBlockBytes = 32'768;
constexpr std::size_t kHeaderBytes = 7;

std::string Fragment(char type, const std::string& payload) {
  const auto generator = rocksdb::GetFileChecksumGenCrc32cFactory()->CreateFileChecksumGenerator({});
  const std::string checked = type + payload;
  generator->Update(checked.data(), checked.size());
  generator->Finalize();
  std::uint32_t crc = 0;
  for (const char byte : generator->GetChecksum()) crc = crc << 8U | static_cast<std::uint8_t>(byte);
  crc = ((crc >> 15U) | (crc << 17U)) + 0xA282EAD8U;
  std::string header;
  for (unsigned i = 0; i < 4; ++i) header += static_cast<char>(crc >> 8U * i);
  header += static_cast<char>(payload.size());
  header += static_cast<char>(payload.size() >> 8U);
  return header + checked;
}

// As RocksDB lays batches out in blocks.
std::string Log(const std::vector<std::string>& batches) {
  std::string log;
  for (std::string rest : batches) {
    for (bool first = true; first || !rest.empty(); first = false) {
      std::size_t room = kBlockBytes - log.size() % kBlockBytes;
      if (room < kHeaderBytes) {
        log.append(room, '\0');
        room = kBlockBytes;
      }
      const std::string piece = rest.substr(0, room - kHeaderBytes);
      rest.erase(0, piece.size());
      log += Fragment(first ? (rest.empty() ? '\1' : '\2') : (rest.empty() ? '\4' : '\3'), piece);
    }
  }
  return log;
}

const std::string kSmall(100, 's');
const std::string kLarge(100'000, 'l');

TEST(LogTail, AWholeLogAndOneThatEndsEarlyAreWhole) {
  const std::string log = Log({kSmall, kLarge, kSmall});
  EXPECT_EQ(ExamineLog(""), LogTail::kWhole);
  EXPECT_EQ(ExamineLog(log), LogTail::kWhole);
  EXPECT_EQ(ExamineLog(log + std::string(5000, '\0')), LogTail::kWhole);
  for (const std::size_t cut : {1UL, 50UL, 105UL, 106UL, 300UL, 50'000UL}) {
    EXPECT_EQ(ExamineLog(log.substr(0, log.size() - cut)), LogTail::kWhole) << cut;
  }
}

TEST(LogTail, AGapAnywhereInTheLastBatchIsATear) {
  const std::string log = Log({kSmall, kLarge});
  const std::size_t begin = Log({kSmall}).size();
  for (std::size_t at = begin; at + 512 < log.size(); at += 499) {
    std::string torn = log;
    torn.replace(at, 512, 512, '\0');
    EXPECT_EQ(ExamineLog(torn), LogTail::kTorn) << at;
  }
}

TEST(LogTail, AGapBeforeABatchIsDamage) {
  const std::string log = Log({kSmall, kLarge, kSmall});
  const std::size_t end = Log({kSmall, kLarge}).size();
  for (std::size_t at = 0; at + 512 < end; at += 499) {
    std::string damaged = log;
    damaged.replace(at, 512, 512, '\0');
    EXPECT_EQ(ExamineLog(damaged), LogTail::kDamaged) << at;
  }
}

TEST(LogTail, ADamagedLengthBeforeABatchIsDamageAndNoEarlyEnd) {
  const std::string log = Log({kSmall, kSmall, kSmall});
  std::string damaged = log;
  damaged[4 + kHeaderBytes + kSmall.size()] = '\xFF';  // the second batch's length: past the end of the log
  damaged[5 + kHeaderBytes + kSmall.size()] = '\x7F';
  EXPECT_EQ(ExamineLog(damaged), LogTail::kDamaged);
  damaged = log;
  damaged[4 + 2 * (kHeaderBytes + kSmall.size())] = '\xFF';  // the last one's: that may be a tear
  damaged[5 + 2 * (kHeaderBytes + kSmall.size())] = '\x7F';
  EXPECT_EQ(ExamineLog(damaged), LogTail::kWhole);
}

}  // namespace
}  // namespace store
