#include "local/machine_memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace local {
namespace {

class MachineMemory : public ::testing::Test {
 protected:
  void Write(const std::string& path, std::string_view text) {
    const std::string full = root_ + path;
    std::filesystem::create_directories(std::filesystem::path(full).parent_path());
    std::ofstream(full) << text;
  }
  void SetUp() override {
    const auto made = std::filesystem::temp_directory_path() / "machine-memory-XXXXXX";
    std::string name = made.string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    Write("/proc/meminfo", "MemTotal: 8000 kB\nMemFree: 10 kB\nMemAvailable:    4000 kB\nBuffers: 1 kB\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  std::string root_;
};

TEST_F(MachineMemory, WithoutALimitItIsWhatTheMachineHas) {
  EXPECT_EQ(AvailableMemory(root_), 4'000U * 1024);
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/memory.max", "max\n");
  Write("/sys/fs/cgroup/memory.current", "1\n");
  EXPECT_EQ(AvailableMemory(root_), 4'000U * 1024);
}

TEST_F(MachineMemory, TheTightestLimitAboveUsCounts) {
  Write("/proc/self/cgroup", "12:cpu:/x\n0::/system/ours\n");
  Write("/sys/fs/cgroup/system/ours/memory.max", "max\n");
  Write("/sys/fs/cgroup/system/ours/memory.current", "500\n");
  Write("/sys/fs/cgroup/system/memory.max", "100000\n");
  Write("/sys/fs/cgroup/system/memory.current", "40000\n");
  EXPECT_EQ(AvailableMemory(root_), 60'000U);
  Write("/sys/fs/cgroup/memory.max", "50000\n");
  Write("/sys/fs/cgroup/memory.current", "50001\n");
  EXPECT_EQ(AvailableMemory(root_), 0U);
}

TEST_F(MachineMemory, TheFirstVersionOfControlGroupsIsKnownToo) {
  Write("/proc/self/cgroup", "3:memory:/box\n2:cpu:/y\n");
  Write("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "70000\n");
  Write("/sys/fs/cgroup/memory/box/memory.usage_in_bytes", "20000\n");
  EXPECT_EQ(AvailableMemory(root_), 50'000U);
}

TEST_F(MachineMemory, CachedFilesThatNobodyUsesAreFree) {
  Write("/proc/self/cgroup", "3:memory:/box\n0::/ours\n");
  Write("/sys/fs/cgroup/ours/memory.max", "100000\n");
  Write("/sys/fs/cgroup/ours/memory.current", "90000\n");
  Write("/sys/fs/cgroup/ours/memory.stat", "anon 20000\nfile 70000\nactive_file 30000\ninactive_file 40000\n");
  EXPECT_EQ(AvailableMemory(root_), 50'000U);
  Write("/sys/fs/cgroup/ours/memory.stat", "inactive_file 95000\n");
  EXPECT_EQ(AvailableMemory(root_), 100'000U) << "read a moment later than what is used";
  Write("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "70000\n");
  Write("/sys/fs/cgroup/memory/box/memory.usage_in_bytes", "60000\n");
  Write("/sys/fs/cgroup/memory/box/memory.stat", "inactive_file 1\ntotal_inactive_file 5000\n");
  EXPECT_EQ(AvailableMemory(root_), 15'000U);
}

TEST_F(MachineMemory, NothingReadableIsNothingKnown) {
  EXPECT_EQ(AvailableMemory(root_ + "/absent"), std::nullopt);
}

TEST(DefaultMemoryBudget, LeavesAQuarterAndIsNeverTooSmall) {
  EXPECT_EQ(DefaultMemoryBudget(4ULL << 30U), 3ULL << 30U);
  EXPECT_EQ(DefaultMemoryBudget(0), kLeastDefaultBudget);
}

}  // namespace
}  // namespace local
