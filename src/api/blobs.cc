#include <fmt/format.h>

#include <algorithm>

#include "api/blob_urls.h"
#include "api/calls.h"
#include "api/parameters.h"
#include "base/log.h"
#include "wire/strict_json.h"
#include "wire/toon.h"

namespace api {

namespace {

constexpr std::uint64_t kPromiseBodyBytes = 4096;
constexpr std::string_view kChecksumHeader = "x-ubertoons-sha256";

bool IsMediaType(std::string_view type) {
  const auto good = [](char c) { return c > 0x20 && c <= 0x7e && c != '"' && c != ','; };
  return type.size() <= 128 && type.find('/') != std::string_view::npos && std::ranges::all_of(type, good);
}

void ReadMember(std::string_view key, const wire::Element& value, flow::UploadRequest& request,
                wire::FieldErrors& errors) {
  std::string_view text;
  if (key == "bytes") {
    if (value.get(request.bytes) != simdjson::SUCCESS) errors.Add("/bytes", "a whole number is expected");
  } else if (key == "sha256") {
    const bool is_text = value.get(text) == simdjson::SUCCESS;
    const auto digest = is_text ? base::Sha256FromHex(text) : std::nullopt;
    if (!digest) errors.Add("/sha256", "64 hexadecimal digits are expected");
    request.sha256 = digest.value_or(base::Sha256{});
  } else if (key == "contentType") {
    if (value.get(text) != simdjson::SUCCESS || !IsMediaType(text)) {
      errors.Add("/contentType", "a media type is expected, such as image/png");
    } else {
      request.content_type = text;
    }
  } else {
    errors.Add("/" + base::PointerToken(key), "unknown field; there are bytes, sha256 and contentType");
  }
}

base::Result<flow::UploadRequest> ReadPromise(std::string_view body) {
  wire::StrictParser parser;
  UT_TRY_ASSIGN(const wire::Element document, parser.Parse(body));
  wire::Object object;
  if (document.get(object) != simdjson::SUCCESS) return base::FailAt("", "an object is expected");
  flow::UploadRequest request;
  wire::FieldErrors errors;
  bool has_bytes = false;
  bool has_sha256 = false;
  for (const auto field : object) {
    has_bytes = has_bytes || field.key == "bytes";
    has_sha256 = has_sha256 || field.key == "sha256";
    ReadMember(field.key, field.value, request, errors);
  }
  if (!has_bytes) errors.Add("/bytes", "it is needed");
  if (!has_sha256) errors.Add("/sha256", "it is needed");
  if (!errors.empty()) return std::unexpected(std::move(errors).ToError("the upload"));
  return request;
}

// Where the client reached us, so that it reaches us again.
base::Result<std::string> BaseUrl(const Services& services, const Exchange& exchange) {
  if (!services.public_url.empty()) return services.public_url;
  const std::string_view host = exchange.head.header("host");
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == ':' || c == '[' || c == ']' || c == '_';
  };
  if (host.empty() || host.size() > 255 || !std::ranges::all_of(host, good)) {
    return base::FailAt("/Host", "a Host header is needed to make the URL");
  }
  return fmt::format("{}://{}{}", exchange.head.tls ? "https" : "http", host, exchange.prefix);
}

base::Result<std::string> Promise(const Services& services, const Exchange& exchange, std::string_view body) {
  UT_TRY(ParameterReader(exchange.parameters, {}).Finish());
  UT_TRY_ASSIGN(const std::string base_url, BaseUrl(services, exchange));
  UT_TRY_ASSIGN(flow::UploadRequest request, ReadPromise(body));
  request.tenant = exchange.caller.tenant;
  request.ttl = services.upload_ttl;
  UT_TRY_ASSIGN(const ports::UploadRecord record, services.upload.Promise(request));
  std::string out = R"({"uri":)";
  base::AppendJsonString(out, wire::FormatUri({.kind = wire::ToonUri::Kind::kUpload, .sha256 = record.sha256}));
  out += R"(,"method":"PUT","url":)";
  base::AppendJsonString(
      out, base_url + UploadPath(record.tenant, record.sha256, record.bytes, record.expires_at, services.url_secret));
  out += fmt::format(R"(,"headers":{{"Content-Length":"{}","Content-Type":)", record.bytes);
  base::AppendJsonString(out, record.content_type);
  out += fmt::format(R"(,"{}":"{}"}},"expiresAt":"{}"}})", kChecksumHeader, base::ToHex(record.sha256),
                     base::FormatTime(record.expires_at));
  return out;
}

class ReceiveCall final : public http::Call {
 public:
  ReceiveCall(ExchangePtr exchange, BlobGrant grant, std::unique_ptr<flow::Upload::Receiving> receiving)
      : exchange_(std::move(exchange)), grant_(std::move(grant)), receiving_(std::move(receiving)) {}
  base::Status Write(std::string_view piece) override { return receiving_->Write(piece); }
  void Finish(http::Respond respond) override {
    if (const auto stored = receiving_->Finish(); !stored) return respond(exchange_->Problem(stored.error()));
    const std::string hex = base::ToHex(grant_.sha256);
    http::Response response = exchange_->Json(
        200, fmt::format(R"({{"uri":"upload://{}","sha256":"{}","bytes":{}}})", hex, hex, grant_.bytes));
    response.headers.emplace_back("ETag", fmt::format("\"{}\"", hex));
    respond(std::move(response));
  }
  http::Response Fail(const base::Error& error) override { return exchange_->Problem(error); }

 private:
  ExchangePtr exchange_;
  BlobGrant grant_;
  std::unique_ptr<flow::Upload::Receiving> receiving_;
};

// A custom processor's artifact: named by its hash only once all of it is here.
class StoreCall final : public http::Call {
 public:
  StoreCall(ExchangePtr exchange, BlobGrant grant, std::unique_ptr<ports::BlobWriter> writer)
      : exchange_(std::move(exchange)), grant_(std::move(grant)), writer_(std::move(writer)) {}
  base::Status Write(std::string_view piece) override {
    bytes_ += piece.size();
    if (bytes_ > grant_.bytes) {
      return base::Fail(base::Code::kTooLarge, fmt::format("the URL was signed for at most {} bytes", grant_.bytes));
    }
    hash_.Update(piece);
    return writer_->Append(piece);
  }
  void Finish(http::Respond respond) override {
    const base::Sha256 digest = hash_.Finish();
    const auto stored = writer_->Commit(ports::ContentKey(grant_.tenant, digest));
    if (!stored) return respond(exchange_->Problem(stored.error()));
    respond(exchange_->Json(200, fmt::format(R"({{"sha256":"{}","bytes":{}}})", base::ToHex(digest), bytes_)));
  }
  http::Response Fail(const base::Error& error) override { return exchange_->Problem(error); }

 private:
  ExchangePtr exchange_;
  BlobGrant grant_;
  std::unique_ptr<ports::BlobWriter> writer_;
  base::Sha256Stream hash_;
  std::uint64_t bytes_ = 0;
};

base::Result<BlobGrant> Check(const Services& services, const Exchange& exchange) {
  return CheckBlobUrl(exchange.head.method, exchange.path, exchange.head.query, services.url_secret,
                      services.clock.Now());
}

// What the head says already must agree with the signature, before a byte is read.
base::Status CheckHead(const Exchange& exchange, const BlobGrant& grant) {
  const auto length = exchange.head.content_length;
  if (!length || *length != grant.bytes) {
    return base::Fail(base::Code::kInvalid,
                      fmt::format("Content-Length: {} is needed, as the URL was signed for", grant.bytes),
                      "length-mismatch");
  }
  const std::string_view checksum = exchange.head.header(kChecksumHeader);
  if (!checksum.empty() && base::Sha256FromHex(checksum) != grant.sha256) {
    return base::Fail(base::Code::kInvalid, "the checksum header names other bytes than the URL was signed for",
                      "checksum-mismatch");
  }
  return {};
}

}  // namespace

Plan PromiseUpload(const Services& services, const ExchangePtr& exchange) {
  return Whole(exchange, kPromiseBodyBytes, [&services, exchange](const std::string& body) {
    auto promise = Promise(services, *exchange, body);
    return promise ? exchange->Json(200, *std::move(promise)) : exchange->Problem(promise.error());
  });
}

Plan ReceiveUpload(const Services& services, const ExchangePtr& exchange) {
  auto grant = Check(services, *exchange);
  if (!grant) return Refuse(exchange, grant.error());
  if (const auto good = CheckHead(*exchange, *grant); !good) return Refuse(exchange, good.error());
  auto receiving = services.upload.Receive(grant->tenant, grant->sha256);
  if (!receiving) return Refuse(exchange, receiving.error());
  Plan plan;
  plan.max_body_bytes = grant->bytes;
  plan.call = std::make_unique<ReceiveCall>(exchange, *std::move(grant), *std::move(receiving));
  return plan;
}

Plan StoreContent(const Services& services, const ExchangePtr& exchange) {
  auto grant = Check(services, *exchange);
  if (!grant) return Refuse(exchange, grant.error());
  if (exchange->head.content_length > grant->bytes) {
    return Refuse(exchange, {.code = base::Code::kTooLarge,
                             .message = fmt::format("the URL was signed for at most {} bytes", grant->bytes)});
  }
  auto writer = services.blobs.NewWriter();
  if (!writer) return Refuse(exchange, writer.error());
  Plan plan;
  plan.max_body_bytes = grant->bytes;
  plan.call = std::make_unique<StoreCall>(exchange, *std::move(grant), *std::move(writer));
  return plan;
}

Plan ReadContent(const Services& services, const ExchangePtr& exchange) {
  auto grant = Check(services, *exchange);
  if (!grant) return Refuse(exchange, grant.error());
  return Bare(exchange, [&services, exchange, grant = *std::move(grant)] {
    auto path = services.blob_file(ports::ContentKey(grant.tenant, grant.sha256));
    if (!path) return exchange->Problem(path.error());
    return ServeFile(*exchange, {.path = *std::move(path),
                                 .content_type = "application/octet-stream",
                                 .name = "content",
                                 .sha256 = grant.sha256});
  });
}

}  // namespace api
