// Clients of several tenants: they submit, resubmit what they are unsure of, cancel, retry, read, and pry.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flow/query.h"
#include "flow/submit.h"
#include "sim/home.h"

namespace sim {

class Clients {
 public:
  explicit Clients(Home& home) : home_(home) {}
  void SubmitNew();
  void SubmitAgain();    // the same payload
  void SubmitAnother();  // another payload under a name that was used
  bool Continue();       // a submission that is under way
  void Cancel();
  void Retry();
  void Read();  // a job and its results, in pages
  void Pry();   // another tenant's job
  void LoseConnections() { open_.clear(); }
  // Submits and finishes whatever a client is unsure of, until it is answered.
  void InsistAll();

 private:
  struct Open {
    std::size_t model = 0;
    std::unique_ptr<flow::Submission> submission;
    std::string_view rest;
  };
  [[nodiscard]] JobModel NewModel();
  void DrawToons(JobModel& model);
  void Compose(JobModel& model);
  [[nodiscard]] std::string ToonJson(JobModel& model, const ToonModel& toon);
  void Begin(std::size_t number);
  [[nodiscard]] bool SendUploads(const JobModel& model);
  void Step(Open open);
  void Accepted(std::size_t number, const flow::SubmitAnswer& answer);
  void Refused(std::size_t number, const base::Error& error);
  [[nodiscard]] std::optional<job::JobKey> AnyJob();

  Home& home_;
  std::vector<Open> open_;
  std::uint64_t next_content_ = 0;
};

}  // namespace sim
