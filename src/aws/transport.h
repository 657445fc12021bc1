// How requests travel: HTTP/1.1 over libcurl, connections kept and shared by threads.
//
// A pool of http::Client, each of which keeps its connection: a call blocks one thread anyway, so libcurl's multi
// interface would gain nothing, and its share interface does not let threads share connections in 7.88.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "http/client.h"

namespace aws {

// Thread-safe; blocks. Errors as http::Client::Send.
class Transport {
 public:
  virtual ~Transport() = default;
  [[nodiscard]] virtual base::Result<http::ClientResponse> Send(const http::ClientRequest& request) = 0;
};

class PooledTransport final : public Transport {
 public:
  // max_idle: connections kept open to one scheme and authority while nobody uses them. There are as many in use as
  // threads that call.
  explicit PooledTransport(std::size_t max_idle = 32);
  [[nodiscard]] base::Result<http::ClientResponse> Send(const http::ClientRequest& request) override;

 private:
  const std::size_t max_idle_;
  std::mutex mutex_;
  // Guarded by mutex_; by "scheme://authority", the most recently used last: the oldest ones die of old age unused.
  std::map<std::string, std::vector<std::unique_ptr<http::Client>>, std::less<>> idle_;
};

}  // namespace aws
