// What a server does for a copy of its data made while it works: a still picture of the database, and no blob removed
// until the copy is done. Blobs are written before the commit that names them, so all that the picture names are there.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "flow/collect.h"

namespace flow {

// Thread-safe; Begin blocks while the picture is made.
class Backup {
 public:
  struct Pictures {
    std::function<base::Status(const std::string& id)> make;
    std::function<void(const std::string& id)> remove;
  };
  Backup(Collect& collect, const base::Clock& clock, base::Random& random, Pictures pictures)
      : collect_(collect), clock_(clock), random_(random), pictures_(std::move(pictures)) {}

  // The picture's id. It is kept, and nothing collected, for kHold from the last Begin or Renew. kConflict: another
  // backup is being made.
  [[nodiscard]] base::Result<std::string> Begin();
  // kNotFound: it has lapsed, or never was: blobs may be missing by now.
  [[nodiscard]] base::Status Renew(const std::string& id);
  // OK: nothing was collected since Begin. kNotFound as above.
  [[nodiscard]] base::Status End(const std::string& id);
  // Removes a picture that has lapsed: it keeps table files, and so their space, that the database has done with.
  void Sweep();

  static constexpr std::chrono::minutes kHold{10};

 private:
  void RemoveLapsed();  // mutex_ is held
  [[nodiscard]] base::Status Find(const std::string& id) const;

  Collect& collect_;
  const base::Clock& clock_;
  base::Random& random_;
  const Pictures pictures_;
  std::mutex mutex_;
  std::string id_;             // guarded by mutex_; empty: none is being made
  base::SteadyPoint until_{};  // guarded by mutex_
};

}  // namespace flow
