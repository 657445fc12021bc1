// openapi.json against the code: the same routes, schemas that fit what is answered, every problem.
// Without this valijson ends the process at a schema it does not like.
#define VALIJSON_USE_EXCEPTIONS 1

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "api/exchange.h"
#include "api/routes.h"
#include "api/testing/world.h"

namespace api {
namespace {

namespace json = boost::json;

const json::object& Document() {
  static const json::value document = json::parse(std::string(OpenApiJson()));
  return document.as_object();
}

// Why `instance` does not fit `schema` (whose references point into the document); "" if it does.
std::string Mismatch(const json::value& schema, const json::value& instance) {
  json::object root{{"allOf", json::array{schema}}, {"components", Document().at("components")}};
  const json::value whole = std::move(root);
  valijson::Schema compiled;
  valijson::SchemaParser parser;
  parser.populateSchema(valijson::adapters::BoostJsonAdapter(whole), compiled);
  valijson::Validator validator;
  valijson::ValidationResults results;
  if (validator.validate(compiled, valijson::adapters::BoostJsonAdapter(instance), &results)) return "";
  std::string why;
  for (valijson::ValidationResults::Error error; results.popError(error);) why += error.description + "; ";
  return why + json::serialize(instance);
}
std::string MismatchOf(std::string_view schema, std::string_view text) {
  return Mismatch(json::object{{"$ref", fmt::format("#/components/schemas/{}", schema)}},
                  json::parse(std::string(text)));
}

// Calls visit(where, object) for every object of the document.
template <typename Visit>
void Walk(const json::value& node, const std::string& where, const Visit& visit) {
  if (const auto* object = node.if_object()) {
    visit(where, *object);
    for (const auto& member : *object) Walk(member.value(), where + "/" + std::string(member.key()), visit);
  } else if (const auto* array = node.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) Walk((*array)[i], fmt::format("{}/{}", where, i), visit);
  }
}
template <typename Visit>
void WalkDocument(const Visit& visit) {
  for (const auto& member : Document()) Walk(member.value(), "/" + std::string(member.key()), visit);
}

bool IsMethod(std::string_view key) {
  return key == "get" || key == "put" || key == "post" || key == "delete" || key == "patch" || key == "head";
}
std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}
// {"GET /jobs": operation}
std::map<std::string, const json::object*> Documented() {
  std::map<std::string, const json::object*> operations;
  for (const auto& path : Document().at("paths").as_object()) {
    for (const auto& member : path.value().as_object()) {
      if (!IsMethod(std::string(member.key()))) continue;
      operations[Upper(std::string(member.key())) + " " + std::string(path.key())] = &member.value().as_object();
    }
  }
  return operations;
}
std::string Name(const Route& route) {
  return fmt::format("{} {}", route.method, route.path);
}

TEST(OpenApi, DocumentsExactlyTheRoutesThatAreServed) {
  std::set<std::string> documented;
  for (const auto& [name, operation] : Documented()) documented.insert(name);
  std::set<std::string> served;
  for (const Route& route : Routes()) served.insert(Name(route));
  EXPECT_EQ(documented, served);
}

TEST(OpenApi, EveryDocumentedRouteAnswersWithAndWithoutAStage) {
  World world;
  world.SubmitJob("J");
  for (const Route& route : Routes()) {
    for (const char* stage : {"", "/prod"}) {
      std::string target = stage + std::string(route.path);
      if (const std::size_t at = target.find("{jobId}"); at != std::string::npos) target.replace(at, 7, "J");
      if (const std::size_t at = target.find("{sha256}"); at != std::string::npos) {
        target.replace(at, 8, std::string(64, 'a'));
      }
      const Reply reply = world.Send({.method = std::string(route.method), .target = target, .token = "ana:admin"});
      EXPECT_NE(reply.status, 405) << target;
      const bool absent = reply.status == 404 && At(reply.body, "/detail").starts_with("there is nothing at");
      EXPECT_FALSE(absent) << target;
      // What it answers is documented for it.
      const json::object& responses = Documented().at(Name(route))->at("responses").as_object();
      EXPECT_TRUE(responses.contains(std::to_string(reply.status))) << target << " answers " << reply.status;
    }
  }
}

TEST(OpenApi, SecurityAndRolesAreThoseOfTheRoutes) {
  const auto documented = Documented();
  for (const Route& route : Routes()) {
    const json::object& operation = *documented.at(Name(route));
    const std::string security = json::serialize(operation.at("security"));
    if (route.access == Access::kBearer) {
      EXPECT_EQ(security, R"([{"bearer":[]}])") << Name(route);
      const std::string role = fmt::format("Role {}", auth::RoleName(route.role));
      EXPECT_TRUE(std::string(operation.at("description").as_string()).starts_with(role)) << Name(route);
    } else if (route.access == Access::kMetrics) {
      EXPECT_EQ(security, R"([{},{"bearer":[]}])");
    } else {
      EXPECT_EQ(security, "[]") << Name(route);
    }
  }
}

TEST(OpenApi, EveryReferenceResolves) {
  int references = 0;
  WalkDocument([&](const std::string& where, const json::object& object) {
    const auto* reference = object.if_contains("$ref");
    if (reference == nullptr) return;
    ++references;
    const std::string pointer = std::string(reference->as_string()).substr(1);
    boost::system::error_code failed;
    const json::value whole = Document();
    EXPECT_NE(whole.find_pointer(pointer, failed), nullptr) << where << ": " << pointer;
  });
  EXPECT_GT(references, 100);
}

TEST(OpenApi, EveryExampleFitsItsSchema) {
  int examples = 0;
  WalkDocument([&](const std::string& where, const json::object& object) {
    if (!object.contains("schema") || !object.contains("example")) return;
    ++examples;
    EXPECT_EQ(Mismatch(object.at("schema"), object.at("example")), "") << where;
  });
  EXPECT_GT(examples, 20);
}

TEST(OpenApi, AWrongExampleWouldBeSeen) {
  EXPECT_NE(MismatchOf("Health", R"({"status":"fine"})"), "");
  EXPECT_NE(MismatchOf("Accepted", R"({"jobId":"a"})"), "");
}

TEST(OpenApi, EveryProblemTypeIsDocumentedWithAnExample) {
  std::set<std::string> types;
  for (int code = 0; code <= static_cast<int>(base::Code::kInternal); ++code) {
    types.insert(std::string(base::PolicyOf(static_cast<base::Code>(code)).name));
  }
  for (const HttpProblem& problem : {kMethodNotAllowed, kRequestTimeout, kTargetTooLong, kRangeNotSatisfiable,
                                     kExpectationFailed, kHeaderTooLarge}) {
    types.insert(std::string(problem.name));
  }
  const json::object& components = Document().at("components").as_object();
  std::set<std::string> enumerated;
  for (const json::value& type :
       components.at("schemas").at("Problem").at("properties").at("type").at("enum").as_array()) {
    enumerated.insert(std::string(type.as_string()).substr(std::string("https://ubertoons.dev/problems/").size()));
  }
  std::set<std::string> shown;
  for (const auto& response : components.at("responses").as_object()) {
    const json::value& example = response.value().at("content").at("application/problem+json").at("example");
    shown.insert(
        std::string(example.at("type").as_string()).substr(std::string("https://ubertoons.dev/problems/").size()));
  }
  EXPECT_EQ(enumerated, types);
  EXPECT_EQ(shown, types);
}

TEST(OpenApi, WhatIsAnsweredFitsTheSchemas) {
  World world;
  const Reply accepted = world.SubmitJob("J", 4);
  EXPECT_EQ(MismatchOf("Accepted", accepted.body), "");
  world.Succeed("J", 0, "bytes");
  world.Succeed("J", 1);
  EXPECT_EQ(MismatchOf("Job", world.Get("/jobs/J").body), "");
  EXPECT_EQ(MismatchOf("ResultPage", world.Get("/results?jobId=J").body), "");
  EXPECT_EQ(MismatchOf("ResultPage", world.Get("/results?jobId=J&pageSize=1").body), "");
  EXPECT_EQ(MismatchOf("JobPage", world.Get("/jobs").body), "");
  EXPECT_EQ(MismatchOf("QuarantinePage", world.Get("/quarantine").body), "");
  world.Kill("J", 3);
  EXPECT_EQ(MismatchOf("QuarantinePage", world.Get("/quarantine").body), "");
  const std::string promise = fmt::format(R"({{"bytes":1,"sha256":"{}"}})", std::string(64, 'a'));
  EXPECT_EQ(MismatchOf("UploadRequest", promise), "");
  EXPECT_EQ(MismatchOf("UploadPromise", world.Post("/uploads", promise).body), "");
  EXPECT_EQ(MismatchOf("Job", world.Post("/jobs/J/cancel", "").body), "");
  EXPECT_EQ(MismatchOf("Job", world.Get("/jobs/J").body), "");
  const Reply cancelled = world.Get("/results?jobId=J");
  EXPECT_EQ(At(cancelled.body, "/results/2/error/code"), "cancelled");
  EXPECT_EQ(MismatchOf("ResultPage", cancelled.body), "");
  EXPECT_EQ(MismatchOf("Problem", world.Get("/jobs/NONE").body), "");
  EXPECT_EQ(MismatchOf("Problem", world.Post("/submit-job", "{}").body), "");
  EXPECT_EQ(MismatchOf("Problem", world.Send({.method = "PATCH", .target = "/jobs"}).body), "");
}

}  // namespace
}  // namespace api
