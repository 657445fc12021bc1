#include "announcer.h"

void Announcer::Publish(const job::Job& job) {
  feed_.Publish(job);
  // Only a submission and an end leave something in the outbox.
  const bool tells = job.state.phase == job::Phase::kEnded || job.state.version == 0;
  if (local::WebhookSender* sender = sender_.load(); tells && sender != nullptr) sender->Poke();
}
