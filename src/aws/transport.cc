#include "aws/transport.h"

#include <string_view>
#include <utility>

namespace aws {

namespace {

// "https://host:1/path" -> "https://host:1"
std::string_view OriginOf(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return url;
  return url.substr(0, url.find_first_of("/?", scheme + 3));
}

}  // namespace

PooledTransport::PooledTransport(std::size_t max_idle) : max_idle_(max_idle) {}

base::Result<http::ClientResponse> PooledTransport::Send(const http::ClientRequest& request) {
  const std::string origin(OriginOf(request.url));
  std::unique_ptr<http::Client> client;
  {
    const std::lock_guard lock(mutex_);
    auto& idle = idle_[origin];
    if (!idle.empty()) {
      client = std::move(idle.back());
      idle.pop_back();
    }
  }
  if (!client) client = std::make_unique<http::Client>();
  auto response = client->Send(request);
  const std::lock_guard lock(mutex_);
  auto& idle = idle_[origin];
  if (idle.size() < max_idle_) idle.push_back(std::move(client));
  return response;
}

}  // namespace aws
