#include "base/folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace base {
namespace {

class FolderTest : public testing::Test {
 protected:
  FolderTest() { EXPECT_NE(mkdtemp(dir_.data()), nullptr); }
  ~FolderTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  std::string dir_ = std::filesystem::temp_directory_path() / "ubertoons-test-XXXXXX";
};

TEST_F(FolderTest, ParentsAreMadeAndAllOfItIsOurs) {
  ASSERT_TRUE(MakeDurableFolder(dir_ + "/a/b/c/", Parents::kMade).has_value());
  for (const char* name : {"/a", "/a/b", "/a/b/c"}) {
    struct stat info{};
    ASSERT_EQ(::stat((dir_ + name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777U, 0700U) << name;
  }
}

TEST_F(FolderTest, AFolderThatIsThereIsLeftAsItIs) {
  ASSERT_EQ(::mkdir((dir_ + "/a").c_str(), 0750), 0);
  std::ofstream(dir_ + "/a/kept") << "x";
  ASSERT_TRUE(MakeDurableFolder(dir_ + "/a", Parents::kMustExist).has_value());
  struct stat info{};
  ASSERT_EQ(::stat((dir_ + "/a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0750U);
  EXPECT_TRUE(std::filesystem::exists(dir_ + "/a/kept"));
}

TEST_F(FolderTest, AnAbsentParentIsMadeOnlyWhenAskedFor) {
  const Status made = MakeDurableFolder(dir_ + "/a/b", Parents::kMustExist);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Code::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/a"));
}

TEST_F(FolderTest, AFileInTheWayIsNamed) {
  std::ofstream(dir_ + "/file") << "x";
  const Status made = MakeDurableFolder(dir_ + "/file/below", Parents::kMade);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Code::kUnavailable);
  EXPECT_NE(made.error().message.find("/file/below"), std::string::npos) << made.error().message;
}

}  // namespace
}  // namespace base
