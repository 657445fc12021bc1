#include "copy_tree.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <tuple>

#include "base/hash.h"

namespace {

namespace fs = std::filesystem;

std::string NameOf(const std::string& bytes) {
  return base::ToHex(base::View(base::Sha256Of(bytes)));
}
std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class CopyTreeTest : public testing::Test {
 protected:
  CopyTreeTest() {
    dir_ = fs::temp_directory_path() / "ubertoons-test-XXXXXX";
    EXPECT_NE(mkdtemp(dir_.data()), nullptr);
    fs::create_directory(dir_ + "/from");
    fs::create_directory(dir_ + "/base");
  }
  ~CopyTreeTest() override {
    std::error_code ignored;
    fs::remove_all(dir_, ignored);
  }
  void Write(const std::string& name, const std::string& bytes) {
    std::ofstream(dir_ + "/" + name, std::ios::binary) << bytes;
  }
  CopyJob Job(Alike alike) { return {.from = dir_ + "/from", .to = dir_ + "/to", .base = {}, .alike = alike}; }

  std::string dir_;
  Copied copied_;
};

TEST_F(CopyTreeTest, ALargeFileGivesASignOfLifeWithEveryMegabyte) {
  Write("from/large", std::string(5U << 20U, 'x'));
  CopyJob job = Job(Alike::kByBytes);
  int steps = 0;
  job.step = [&] {
    steps += 1;
    return base::Status{};
  };
  ASSERT_TRUE(CopyTree(job, copied_).has_value());
  EXPECT_GE(steps, 5);
  EXPECT_EQ(copied_.bytes, 5U << 20U);
}

TEST_F(CopyTreeTest, AFileThatVanishesFailsTheCopyUnlessItMayBeARefusedManifest) {
  const std::string blob = NameOf("blob");
  for (const auto& [name, alike, whole] :
       {std::tuple{std::string("000004.log"), Alike::kByBytes, false}, std::tuple{blob, Alike::kByName, false},
        std::tuple{std::string(32, 'a'), Alike::kByName, true}}) {
    Write("from/" + name, "blob");
    CopyJob job = Job(alike);
    job.step = [&, path = dir_ + "/from/" + name] {
      fs::remove(path);  // after it was listed, before it is opened
      return base::Status{};
    };
    copied_ = {};
    EXPECT_EQ(CopyTree(job, copied_).has_value(), whole) << name;
    EXPECT_EQ(copied_.files, 0U);
    fs::remove_all(dir_ + "/to");
  }
}

TEST_F(CopyTreeTest, WhatTheEarlierBackupsDiskAlteredIsCopiedAnew) {
  const std::string good = NameOf("good");
  const std::string blob = NameOf("blob");
  Write("from/" + good, "good");
  Write("base/" + good, "good");
  Write("from/" + blob, "blob");
  Write("base/" + blob, "bl0b");
  Write("from/manifest", "one");
  Write("base/manifest", "0ne");
  CopyJob job = Job(Alike::kByName);
  job.base = dir_ + "/base";
  ASSERT_TRUE(CopyTree(job, copied_).has_value());
  EXPECT_EQ(copied_.files, 3U);
  EXPECT_EQ(copied_.linked, 1U);
  EXPECT_EQ(fs::hard_link_count(dir_ + "/to/" + good), 2U);
  EXPECT_EQ(Read(dir_ + "/to/" + blob), "blob");
  EXPECT_EQ(Read(dir_ + "/to/manifest"), "one");
}

TEST_F(CopyTreeTest, AnAlteredFileOfTheSourceIsNotTakenWhereTheEarlierBackupHasItsBytes) {
  const std::string blob = NameOf("blob");
  Write("from/" + blob, "bl0b");
  Write("base/" + blob, "blob");
  CopyJob job = Job(Alike::kByName);
  job.base = dir_ + "/base";
  ASSERT_TRUE(CopyTree(job, copied_).has_value());
  EXPECT_EQ(Read(dir_ + "/to/" + blob), "blob");
}

}  // namespace
