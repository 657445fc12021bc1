// A catalog and reducers for tests of this folder.
#pragma once

#include <string>
#include <vector>

#include "wire/submission.h"

namespace wire {

// Knows message, image and telemetry; the one operation "scale" takes {"by":number}.
class FakeCatalog final : public ports::OperationCatalog {
 public:
  [[nodiscard]] bool KnowsType(std::string_view type) const override {
    return type == "message" || type == "image" || type == "telemetry";
  }
  [[nodiscard]] std::vector<base::FieldError> Check(std::string_view,
                                                    const ports::Operation& operation) const override {
    if (operation.name != "scale") return {{"/op", "an unknown operation"}};
    if (operation.params_json.find("\"by\":") == std::string::npos) return {{"/by", "is required"}};
    return {};
  }
};

class FakeReducer final : public ports::Reducer {
 public:
  [[nodiscard]] std::string_view name() const override { return "timeline"; }
  [[nodiscard]] std::vector<base::FieldError> CheckParams(std::string_view params_json) const override {
    if (params_json == "{}" || params_json == R"({"step":5})") return {};
    return {{"/step", "must be 5"}};
  }
  [[nodiscard]] std::string Fold(std::span<const job::Outcome>) const override { return ""; }
  [[nodiscard]] base::Result<std::string> Merge(std::string_view, std::string_view) const override { return ""; }
  [[nodiscard]] base::Result<std::string> Render(std::string_view) const override { return "{}"; }
  [[nodiscard]] base::Result<std::vector<ports::ArtifactBytes>> Finish(const ports::ReduceInput&) const override {
    return std::vector<ports::ArtifactBytes>();
  }
};
class FakeReducers final : public ports::ReducerRegistry {
 public:
  [[nodiscard]] const ports::Reducer* Find(std::string_view name) const override {
    return name == "timeline" ? &reducer_ : nullptr;
  }
  [[nodiscard]] std::vector<std::string> Names() const override { return {"timeline"}; }

 private:
  FakeReducer reducer_;
};

struct FakeRules {
  job::Limits limits;
  FakeCatalog catalog;
  FakeReducers reducers;
  [[nodiscard]] SubmissionRules rules() const {
    return {.limits = &limits, .catalog = &catalog, .reducers = &reducers};
  }
};

}  // namespace wire
