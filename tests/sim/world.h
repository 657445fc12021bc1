// One schedule: a few hundred steps drawn from the seed, then peace until everything is quiet, then the promise.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "sim/clients.h"
#include "sim/home.h"
#include "sim/workers.h"

namespace sim {

class World {
 public:
  World(std::uint64_t seed, bool trace);
  // How the promise was broken; nullopt: it held.
  [[nodiscard]] std::optional<std::string> Run();

 private:
  void Boot();          // as often as it takes
  void Step();          // one thing happens, and the process may die of it
  void Act();           // one thing of all
  void ActMeanwhile();  // one thing that another thread or process may do between two calls of a port
  void ActOfClients();
  void RunTimers();
  void PassTime();
  void Collect();
  void Deliver();  // the outbox
  void LookAtAll();
  void SettleDown();
  void CheckEvents();

  Home home_;
  Workers workers_;
  Clients clients_;
  std::chrono::microseconds jumped_ahead_{0};
  bool in_timers_ = false;
  bool in_collect_ = false;
  std::map<std::string, ports::OutboxEvent> delivered_;
};

}  // namespace sim
