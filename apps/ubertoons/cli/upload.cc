#include "cli/upload.h"

#include <fmt/format.h>

namespace cli {

Try<std::string> Uploader::Upload(const UploadSource& source) {
  const std::string sha256 = base::ToHex(source.digest.sha256);
  if (const auto known = uris_.find(sha256); known != uris_.end()) return known->second;
  err_.Write(fmt::format("Uploading {} ({})\n", Printable(source.label), HumanBytes(source.digest.bytes)));
  err_.Flush();
  UT_TRY_ASSIGN(const Document promise,
                session_.Fetch({.method = "POST",
                                .path = "/uploads",
                                .headers = {{"Content-Type", "application/json"}},
                                .body = fmt::format(R"({{"bytes":{},"sha256":"{}","contentType":{}}})",
                                                    source.digest.bytes, sha256, Quoted(source.content_type))}));
  std::string uri = TextAt(promise.value, "uri");
  const std::string url = TextAt(promise.value, "url");
  if (uri.empty() || url.empty()) {
    return Fail(Exit::kInternal, "The server's promise of an upload is incomplete", "it lacks uri or url");
  }
  // As slow as 32 KiB a second is waited for.
  ApiRequest put{.method = TextAt(promise.value, "method").empty() ? "PUT" : TextAt(promise.value, "method"),
                 .body_file = source.path,
                 .timeout = std::chrono::seconds(60 + source.digest.bytes / (32U << 10U))};
  const json::value* headers = At(promise.value, "headers");
  if (const json::object* list = headers == nullptr ? nullptr : headers->if_object()) {
    for (const auto& [name, value] : *list) {
      if (value.is_string()) put.headers.emplace_back(std::string(name), std::string(value.get_string()));
    }
  }
  UT_TRY(session_.SendSigned(url, put));
  uris_[sha256] = uri;
  return uri;
}

}  // namespace cli
