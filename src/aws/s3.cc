#include "aws/s3.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>
#include <limits>
#include <pugixml.hpp>
#include <utility>

namespace aws {

namespace {

constexpr std::size_t kListBytes = 8U << 20U;             // 1,000 entries of the longest keys are half of it
constexpr std::size_t kErrorBytes = 64U << 10U;           // an error document beside a short range
constexpr std::uint64_t kSlowBytesPerSecond = 1U << 20U;  // a body may take so long beyond the service's time-out

std::chrono::milliseconds TimeFor(std::uint64_t bytes) {
  return std::chrono::seconds(bytes / kSlowBytesPerSecond);
}

std::uint64_t NumberOf(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

base::Result<pugi::xml_document> ParseXml(const http::ClientResponse& response, std::string_view what) {
  pugi::xml_document document;
  if (document.load_buffer(response.body.data(), response.body.size())) return document;
  return base::Fail(base::Code::kUnavailable, fmt::format("s3 {} did not answer XML", what));
}

std::string XmlText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\r':
        out += "&#13;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// Keys come percent-encoded (encoding-type=url): XML cannot hold every character.
std::string KeyOf(pugi::xml_node node, const char* name) {
  std::string text = node.child_value(name);
  std::ranges::replace(text, '+', ' ');
  return http::PercentDecode(text).value_or(text);
}

base::TimePoint TimeOf(pugi::xml_node node) {
  return base::ParseTime(node.child_value("LastModified")).value_or(base::TimePoint());
}

// DeleteObjects asks for a checksum beside the signature: MD5, which a FIPS OpenSSL has not, or this.
std::pair<std::string, std::string> Checksum(std::string_view body) {
  return {"x-amz-checksum-sha256", base::ToBase64(base::View(base::Sha256Of(body)))};
}

ObjectInfo InfoOf(const http::ClientResponse& response) {
  return {.bytes = NumberOf(response.header("content-length")),
          .etag = std::string(response.header("etag")),
          .version_id = std::string(response.header("x-amz-version-id")),
          .content_type = std::string(response.header("content-type"))};
}

}  // namespace

Call S3Bucket::At(std::string_view operation, std::string_view method, std::string_view key) const {
  return {.service = Service::kS3,
          .operation = operation,
          .method = method,
          .host_label = bucket_,
          .path = fmt::format("/{}", key)};
}

base::Result<ObjectInfo> S3Bucket::Put(std::string_view key, std::string_view bytes, PutCondition condition) {
  Call call = At("PutObject", "PUT", key);
  call.headers = {{"Content-Type", "application/octet-stream"}};
  if (condition == PutCondition::kIfAbsent) call.headers.emplace_back("If-None-Match", "*");
  call.body = bytes;
  call.extra_time = TimeFor(bytes.size());
  UT_TRY_ASSIGN(const http::ClientResponse response, caller_.Send(call));
  ObjectInfo info = InfoOf(response);
  info.bytes = bytes.size();
  return info;
}

base::Result<std::string> S3Bucket::GetRange(std::string_view key, std::uint64_t offset, std::uint64_t length) {
  Call call = At("GetObject", "GET", key);
  const std::uint64_t last = offset + std::min(length - 1, std::numeric_limits<std::uint64_t>::max() - offset);
  call.headers = {{"Range", fmt::format("bytes={}-{}", offset, last)}};
  call.max_response_bytes = std::max<std::size_t>(length, kErrorBytes);
  call.extra_time = TimeFor(std::min<std::uint64_t>(length, 1ULL << 30U));
  auto response = caller_.Send(call);
  if (response) {
    // 200: the range was not heeded, and this is all of it.
    if (response->status == 200) {
      return response->body.substr(std::min<std::size_t>(offset, response->body.size()), length);
    }
    return std::move(response->body);
  }
  if (response.error().reason == "InvalidRange" || response.error().reason == "http-416") return std::string();
  return std::unexpected(std::move(response).error());
}

base::Result<std::optional<ObjectInfo>> S3Bucket::Head(std::string_view key) {
  const auto response = caller_.Send(At("HeadObject", "HEAD", key));
  if (response) return InfoOf(*response);
  if (response.error().code == base::Code::kNotFound) return std::optional<ObjectInfo>();
  return std::unexpected(response.error());
}

base::Status S3Bucket::Delete(const ObjectId& id) {
  Call call = At("DeleteObject", "DELETE", id.key);
  if (!id.version_id.empty()) call.query = {{"versionId", id.version_id}};
  const auto response = caller_.Send(call);
  if (response || (response.error().code == base::Code::kNotFound && response.error().reason != "NoSuchBucket")) {
    return {};
  }
  return std::unexpected(response.error());
}

base::Status S3Bucket::DeleteMany(const std::vector<ObjectId>& ids) {
  for (std::size_t first = 0; first < ids.size(); first += kMaxDeleteKeys) {
    std::string body = R"(<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>)";
    for (std::size_t i = first; i < std::min(ids.size(), first + kMaxDeleteKeys); ++i) {
      body += fmt::format("<Object><Key>{}</Key>", XmlText(ids[i].key));
      if (!ids[i].version_id.empty()) body += fmt::format("<VersionId>{}</VersionId>", XmlText(ids[i].version_id));
      body += "</Object>";
    }
    body += "</Delete>";
    Call call = At("DeleteObjects", "POST", "");
    call.query = {{"delete", ""}};
    call.headers = {{"Content-Type", "application/xml"}, Checksum(body)};
    call.body = body;
    UT_TRY_ASSIGN(const http::ClientResponse response, caller_.Send(call));
    UT_TRY_ASSIGN(const pugi::xml_document document, ParseXml(response, "DeleteObjects"));
    for (const pugi::xml_node error : document.child("DeleteResult").children("Error")) {
      const std::string code = error.child_value("Code");
      if (code == "NoSuchKey" || code == "NoSuchVersion") continue;
      return base::Fail(base::Code::kUnavailable,
                        fmt::format("s3 could not delete {} ({})", error.child_value("Key"), code), code);
    }
  }
  return {};
}

base::Result<ObjectPage> S3Bucket::List(std::string_view prefix, std::string_view next, std::size_t limit) {
  Call call = At("ListObjectsV2", "GET", "");
  call.query = {{"list-type", "2"}, {"encoding-type", "url"}, {"max-keys", fmt::to_string(limit)}};
  if (!prefix.empty()) call.query.emplace_back("prefix", prefix);
  if (!next.empty()) call.query.emplace_back("continuation-token", next);
  call.max_response_bytes = kListBytes;
  UT_TRY_ASSIGN(const http::ClientResponse response, caller_.Send(call));
  UT_TRY_ASSIGN(const pugi::xml_document document, ParseXml(response, "ListObjectsV2"));
  const pugi::xml_node root = document.child("ListBucketResult");
  ObjectPage page;
  for (const pugi::xml_node node : root.children("Contents")) {
    page.objects.push_back({.key = KeyOf(node, "Key"),
                            .bytes = NumberOf(node.child_value("Size")),
                            .etag = node.child_value("ETag"),
                            .modified_at = TimeOf(node)});
  }
  if (std::string_view(root.child_value("IsTruncated")) == "true")
    page.next = root.child_value("NextContinuationToken");
  return page;
}

base::Result<VersionPage> S3Bucket::ListVersions(std::string_view prefix, std::string_view after_key,
                                                 std::string_view after_version, std::size_t limit) {
  Call call = At("ListObjectVersions", "GET", "");
  call.query = {{"versions", ""}, {"encoding-type", "url"}, {"max-keys", fmt::to_string(limit)}};
  if (!prefix.empty()) call.query.emplace_back("prefix", prefix);
  if (!after_key.empty()) call.query.emplace_back("key-marker", after_key);
  if (!after_version.empty()) call.query.emplace_back("version-id-marker", after_version);
  call.max_response_bytes = kListBytes;
  UT_TRY_ASSIGN(const http::ClientResponse response, caller_.Send(call));
  UT_TRY_ASSIGN(const pugi::xml_document document, ParseXml(response, "ListObjectVersions"));
  const pugi::xml_node root = document.child("ListVersionsResult");
  VersionPage page;
  for (const pugi::xml_node node : root.children()) {
    const bool marker = std::strcmp(node.name(), "DeleteMarker") == 0;
    if (!marker && std::strcmp(node.name(), "Version") != 0) continue;
    page.versions.push_back({.key = KeyOf(node, "Key"),
                             .version_id = node.child_value("VersionId"),
                             .is_latest = std::string_view(node.child_value("IsLatest")) == "true",
                             .is_delete_marker = marker,
                             .bytes = NumberOf(node.child_value("Size")),
                             .modified_at = TimeOf(node)});
  }
  page.more = std::string_view(root.child_value("IsTruncated")) == "true";
  page.next_key = KeyOf(root, "NextKeyMarker");
  page.next_version = root.child_value("NextVersionIdMarker");
  return page;
}

base::Status S3Bucket::Copy(std::string_view from, std::string_view to) {
  Call call = At("CopyObject", "PUT", to);
  call.headers = {{"x-amz-copy-source", fmt::format("{}/{}", bucket_, EncodePath(from))}};
  call.success = Success::kByBody;
  call.extra_time = TimeFor(1ULL << 30U);  // S3 copies some 100 MB a second
  UT_TRY(caller_.Send(call));
  return {};
}

base::Result<std::string> S3Bucket::StartUpload(std::string_view key) {
  Call call = At("CreateMultipartUpload", "POST", key);
  call.query = {{"uploads", ""}};
  UT_TRY_ASSIGN(const http::ClientResponse response, caller_.Send(call));
  UT_TRY_ASSIGN(const pugi::xml_document document, ParseXml(response, "CreateMultipartUpload"));
  std::string id = document.child("InitiateMultipartUploadResult").child_value("UploadId");
  if (id.empty()) return base::Fail(base::Code::kUnavailable, fmt::format("s3 gave no upload id for {}", key));
  return id;
}

base::Result<UploadedPart> S3Bucket::UploadPart(std::string_view key, std::string_view upload_id, int number,
                                                std::string_view bytes) {
  Call call = At("UploadPart", "PUT", key);
  call.query = {{"partNumber", fmt::to_string(number)}, {"uploadId", std::string(upload_id)}};
  call.headers = {{"Content-Type", "application/octet-stream"}};
  call.body = bytes;
  call.extra_time = TimeFor(bytes.size());
  UT_TRY_ASSIGN(const http::ClientResponse response, caller_.Send(call));
  return UploadedPart{.number = number, .etag = std::string(response.header("etag"))};
}

base::Status S3Bucket::CompleteUpload(std::string_view key, std::string_view upload_id,
                                      const std::vector<UploadedPart>& parts) {
  std::string body = R"(<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)";
  for (const UploadedPart& part : parts) {
    fmt::format_to(std::back_inserter(body), "<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", part.number,
                   XmlText(part.etag));
  }
  body += "</CompleteMultipartUpload>";
  Call call = At("CompleteMultipartUpload", "POST", key);
  call.query = {{"uploadId", std::string(upload_id)}};
  call.headers = {{"Content-Type", "application/xml"}};
  call.body = body;
  call.success = Success::kByBody;
  call.extra_time = TimeFor(1ULL << 28U);  // S3 may take minutes, and keeps the connection alive with blanks
  UT_TRY(caller_.Send(call));
  return {};
}

base::Status S3Bucket::AbortUpload(std::string_view key, std::string_view upload_id) {
  Call call = At("AbortMultipartUpload", "DELETE", key);
  call.query = {{"uploadId", std::string(upload_id)}};
  const auto response = caller_.Send(call);
  if (response || response.error().code == base::Code::kNotFound) return {};
  return std::unexpected(response.error());
}

base::Result<std::string> S3Bucket::PresignGet(std::string_view key, std::chrono::seconds valid_for) {
  return caller_.Presign(At("GetObject", "GET", key), valid_for);
}

base::Result<std::string> S3Bucket::PresignPut(std::string_view key, std::uint64_t bytes, const base::Sha256& sha256,
                                               std::chrono::seconds valid_for) {
  Call call = At("PutObject", "PUT", key);
  call.headers = {{"Content-Length", fmt::to_string(bytes)},
                  {"x-amz-checksum-sha256", base::ToBase64(base::View(sha256))}};
  return caller_.Presign(call, valid_for);
}

}  // namespace aws
