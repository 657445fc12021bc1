#include "sandbox/protocol.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "base/codec.h"

namespace sandbox {
namespace {

std::optional<ReplyHead> Decoded(const ports::ProcessorOutput& output) {
  return DecodeReply(EncodeReply(output));
}

TEST(Options, WhatThePoolAsksIsWhatTheChildReads) {
  const ChildOptions options{.level = Level::kContained, .limits = {.memory_bytes = 7, .cpu_seconds = 9}};
  const auto arguments = ToArguments(options);
  std::vector<const char*> pointers;
  for (const auto& argument : arguments) pointers.push_back(argument.c_str());
  const auto read = FromArguments(pointers);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->level, options.level);
  EXPECT_EQ(read->limits.memory_bytes, 7U);
  EXPECT_EQ(read->limits.cpu_seconds, 9U);
  pointers.back() = "--level=lax";
  EXPECT_FALSE(FromArguments(pointers));
  pointers.back() = pointers.front();
  EXPECT_FALSE(FromArguments(pointers)) << "an option given twice";
  pointers.pop_back();
  EXPECT_FALSE(FromArguments(pointers)) << "an option left out";
}

TEST(Frames, APrefixWithoutItsMagicIsNone) {
  auto prefix = MakePrefix(70'000);
  EXPECT_EQ(ReadPrefix(prefix), 70'000U);
  prefix[0] ^= 1;
  EXPECT_FALSE(ReadPrefix(prefix));
}

TEST(Frames, AResultMustBeOneObjectOfJson) {
  EXPECT_EQ(Decoded({.result_json = "{\"a\" : [1,\n 2]}"})->answer->result_json, R"({"a":[1,2]})");
  for (const char* bad : {"", "[]", "1", "{}{}", "{\"a\":1},{\"b\":2}", "{\"a\":\"\xff\"}", "{\"a\":}", "nul"}) {
    EXPECT_FALSE(Decoded({.result_json = bad})) << bad;
  }
  const std::string deep(job::kMaxJsonDepth + 1, '[');
  EXPECT_FALSE(Decoded({.result_json = "{\"a\":" + deep + std::string(deep.size(), ']') + "}"}));
}

TEST(Frames, ArtifactsHaveNamesAndTypesThatCanBeShown) {
  const auto with = [](std::string name, std::string type) {
    return Decoded({.artifacts = {{.name = std::move(name), .content_type = std::move(type), .bytes = "xyz"}}});
  };
  const auto good = with("thumbnail.webp", "image/webp");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->artifact_bytes, std::vector<std::uint64_t>{3});
  for (const char* name : {"", ".", "..", "a/b", "a\\b", "a\nb", "a\"b", "a\x7f"}) {
    EXPECT_FALSE(with(name, "image/webp")) << name;
  }
  EXPECT_FALSE(with(std::string(job::kMaxArtifactNameBytes + 1, 'n'), "image/webp"));
  for (const char* type : {"", "image", "image/webp\r\nSet-Cookie: a=b", "image/\"webp"}) {
    EXPECT_FALSE(with("name", type)) << type;
  }
  EXPECT_FALSE(Decoded({.artifacts = {{"same", "a/b", ""}, {"same", "a/b", ""}}}));
  ports::ProcessorOutput many;
  many.artifacts.resize(job::kMaxArtifactsPerToon + 1, {"n", "a/b", ""});
  EXPECT_FALSE(Decoded(many));
}

TEST(Frames, AFailuresCodeIsAWord) {
  const auto with = [](std::string code) {
    return DecodeReply(
        EncodeReply(std::unexpected(ports::ProcessorFailure{.error = {.code = std::move(code), .message = "a\nb"}})));
  };
  EXPECT_EQ(with("invalid-image")->answer.error().error.message, "a?b");
  EXPECT_FALSE(with(""));
  EXPECT_FALSE(with("Bad Code"));
  EXPECT_FALSE(with(std::string(200, 'c')));
}

RC_GTEST_PROP(Frames, AnyBytesAreDecodedOrRefused, (const std::string& bytes)) {
  (void)DecodeTask(bytes);
  (void)DecodeHello(bytes);
  const auto reply = DecodeReply(bytes);
  if (reply && reply->answer) RC_ASSERT(reply->answer->artifacts.size() == reply->artifact_bytes.size());
}

RC_GTEST_PROP(Frames, ADamagedReplyIsDecodedOrRefused, (std::uint32_t at, std::uint8_t byte)) {
  std::string head = EncodeReply(ports::ProcessorOutput{.result_json = R"({"width":3})",
                                                        .fingerprint = base::Sha256Of("x"),
                                                        .perceptual = "ff",
                                                        .artifacts = {{"thumbnail", "image/webp", "bytes"}}});
  head[at % head.size()] = static_cast<char>(byte);
  const auto reply = DecodeReply(head);
  if (reply && reply->answer) RC_ASSERT(reply->answer->artifacts.size() == reply->artifact_bytes.size());
  RC_ASSERT(!DecodeReply(std::string_view(head).substr(0, head.size() - 1)).has_value());
}

TEST(Frames, ATaskKeepsItsOperationsAndLengths) {
  const std::vector<ports::Operation> operations = {{.name = "thumbnail", .params_json = R"({"width":256})"}};
  const auto task = DecodeTask(EncodeTask(
      {.tenant = "acme", .verb = "image", .operations = &operations, .inputs = {"abc", std::string_view()}}));
  ASSERT_TRUE(task);
  EXPECT_EQ(task->verb, "image");
  EXPECT_EQ(task->operations, operations);
  EXPECT_EQ(task->input_bytes, (std::vector<std::size_t>{3, 0}));
}

}  // namespace
}  // namespace sandbox
