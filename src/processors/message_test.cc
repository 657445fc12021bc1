#include "processors/message.h"

#include <gtest/gtest.h>

#include "processors/test_input.h"

namespace processors {
namespace {

ports::Operation Schema(const std::string& schema) {
  return {"validate", R"({"schema":)" + schema + "}"};
}

TEST(Message, EqualJsonValuesHaveOneFingerprint) {
  const auto a = Invoke("message", R"({"b":1.0,"a":[true,null]})");
  const auto b = Invoke("message", "{ \"a\" : [true, null],\n \"b\" : 1 }");
  // printf '{"a":[true,null],"b":1}' | sha256sum
  EXPECT_EQ(base::ToHex(a->fingerprint.value()), "51705a2c9eb3e7e410a58f696a770c3ac3885a0cf43eb7fc88f5e47c11d4d30d");
  EXPECT_EQ(a->fingerprint, b->fingerprint);
  EXPECT_NE(TextAt(a, "/sourceSha256"), TextAt(b, "/sourceSha256"));
  EXPECT_EQ(NumberAt(a, "/members"), 4);
  EXPECT_EQ(NumberAt(a, "/depth"), 2);
  EXPECT_LT(a->result_json.size(), 200U);
  EXPECT_TRUE(a->artifacts.empty());
}

TEST(Message, OtherUtf8IsText) {
  const auto text = Invoke("message", "día\nuno", {}, ports::SourceForm::kText);
  EXPECT_EQ(text->result_json, R"({"format":"text","bytes":8,"chars":7,"lines":2})");
  EXPECT_FALSE(text->fingerprint.has_value());
  EXPECT_EQ(Invoke("message", "")->result_json, R"({"format":"text","bytes":0,"chars":0,"lines":0})");
  EXPECT_EQ(TextAt(Invoke("message", "{not json"), "/format"), "text");
  EXPECT_EQ(TextAt(Invoke("message", "42"), "/format"), "text");
  EXPECT_EQ(TextAt(Invoke("message", "42", {}, ports::SourceForm::kJson), "/format"), "json");
}

TEST(Message, WhatIsNotUtf8Fails) {
  EXPECT_EQ(CodeOf(Invoke("message", "\xff\xfe")), "invalid-encoding");
  EXPECT_EQ(CodeOf(Invoke("message", "{\"a\":", {}, ports::SourceForm::kJson)), "invalid-json");
}

TEST(Message, EmitStoresTheCanonicalForm) {
  const auto output = Invoke("message", R"({"b":1, "a":2})", {{"emit", "{}"}, {"emit", "{}"}});
  ASSERT_EQ(output->artifacts.size(), 1U);
  EXPECT_EQ(output->artifacts[0].name, "canonical.json");
  EXPECT_EQ(output->artifacts[0].bytes, R"({"a":2,"b":1})");
  EXPECT_EQ(CodeOf(Invoke("message", "text", {{"emit", "{}"}})), "invalid-json");
}

TEST(Message, ASchemaIsAppliedAndItsViolationsArePlaced) {
  const auto schema = Schema(R"({"type":"object","required":["id"],"properties":{"id":{"type":"integer","minimum":1},
    "tags":{"type":"array","items":{"type":"string","pattern":"^[a-z]+$"}}}})");
  EXPECT_EQ(CodeOf(Invoke("message", R"({"id":1,"tags":["a"]})", {schema})), "ok");
  const auto low = Invoke("message", R"({"id":0,"tags":["a","B"]})", {schema});
  ASSERT_EQ(CodeOf(low), "schema-mismatch");
  EXPECT_NE(low.error().error.message.find("/id"), std::string::npos) << low.error().error.message;
  EXPECT_NE(low.error().error.message.find("/tags/1"), std::string::npos) << low.error().error.message;
  EXPECT_EQ(CodeOf(Invoke("message", "{}", {schema})), "schema-mismatch");
  EXPECT_EQ(CodeOf(Invoke("message", R"({"id":"1"})", {schema})), "schema-mismatch");
}

TEST(Message, AMismatchNamesPlacesAndNeverValues) {
  const auto output =
      Invoke("message", R"({"secret":"hunter2"})", {Schema(R"({"properties":{"secret":{"type":"number"}}})")});
  ASSERT_EQ(CodeOf(output), "schema-mismatch");
  EXPECT_EQ(output.error().error.message.find("hunter2"), std::string::npos);
  EXPECT_EQ(output.error().blame, ports::Blame::kInput);
}

TEST(Message, BadSchemasFailAndDoNotCrash) {
  for (const char* schema : {R"({"$ref":"http://127.0.0.1/x"})", R"({"$ref":"#"})", R"({"type":7})",
                             R"({"multipleOf":0})", R"({"pattern":"("})", R"({"pattern":"(a+)+$"})"}) {
    const auto output = Invoke("message", R"(["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"])",
                               {Schema(R"({"items":)" + std::string(schema) + "}")});
    EXPECT_EQ(CodeOf(output), "invalid-schema") << schema;
  }
}

TEST(Message, PatternsSeeShortStringsOnly) {
  const auto schema = Schema(R"({"items":{"pattern":"^a*$"}})");
  EXPECT_EQ(CodeOf(Invoke("message", "[\"" + std::string(256, 'a') + "\"]", {schema})), "ok");
  EXPECT_EQ(CodeOf(Invoke("message", "[\"" + std::string(257, 'a') + "\"]", {schema})), "schema-limit");
  EXPECT_EQ(CodeOf(Invoke("message", "[\"" + std::string(1'000'000, '1') + "\"]",
                          {Schema(R"({"items":{"format":"date"}})")})),
            "schema-limit");
}

TEST(Message, ManySchemasStayWithinTheCache) {
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 40; ++i) {
      const auto schema = Schema(R"({"minimum":)" + std::to_string(i) + "}");
      EXPECT_EQ(CodeOf(Invoke("message", std::to_string(i), {schema}, ports::SourceForm::kJson)), "ok");
      EXPECT_EQ(CodeOf(Invoke("message", std::to_string(i - 1), {schema}, ports::SourceForm::kJson)),
                "schema-mismatch");
    }
  }
}

}  // namespace
}  // namespace processors
