#include "aws/refusal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <pugixml.hpp>
#include <span>

#include "wire/json_reader.h"

namespace aws {

namespace {

constexpr std::size_t kMaxMessageBytes = 512;  // it goes into logs

using Names = std::span<const std::string_view>;

// As the SDKs' standard mode has them, and the KMS ones that SQS and DynamoDB pass on.
constexpr std::array<std::string_view, 18> kThrottles{"Throttling",
                                                      "ThrottlingException",
                                                      "ThrottledException",
                                                      "Throttled",
                                                      "RequestThrottled",
                                                      "RequestThrottledException",
                                                      "TooManyRequestsException",
                                                      "ProvisionedThroughputExceededException",
                                                      "RequestLimitExceeded",
                                                      "BandwidthLimitExceeded",
                                                      "LimitExceededException",
                                                      "SlowDown",
                                                      "PriorRequestNotComplete",
                                                      "EC2ThrottledException",
                                                      "KMSThrottlingException",
                                                      "KmsThrottled",
                                                      "KMSThrottled",
                                                      "OverLimit"};
constexpr std::array<std::string_view, 10> kTransient{"InternalException",    "InternalServiceException",
                                                      "InternalError",        "InternalFailure",
                                                      "InternalServerError",  "ServiceUnavailable",
                                                      "RequestTimeout",       "RequestTimeoutException",
                                                      "InternalServiceError", "TransactionInProgressException"};
// Some of them have other causes too: the caller compares the clocks before it believes them.
constexpr std::array<std::string_view, 6> kClockCodes{"RequestTimeTooSkewed",  "RequestExpired",
                                                      "RequestInTheFuture",    "InvalidSignatureException",
                                                      "SignatureDoesNotMatch", "AuthFailure"};
constexpr std::array<std::string_view, 4> kEndedCodes{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired",
                                                      "RequestExpiredToken"};
constexpr std::array<std::string_view, 8> kAbsent{
    "NoSuchKey",         "NoSuchBucket",     "NoSuchUpload",      "NoSuchVersion",
    "QueueDoesNotExist", "NonExistentQueue", "NotFoundException", "ResourceNotFoundException"};
constexpr std::array<std::string_view, 9> kConflicts{
    "ConditionalCheckFailedException",      "TransactionCanceledException", "TransactionConflictException",
    "IdempotentParameterMismatchException", "ExecutionAlreadyExists",       "PreconditionFailed",
    "ConditionalRequestConflict",           "ResourceInUseException",       "OperationAborted"};
constexpr std::array<std::string_view, 4> kLarge{"EntityTooLarge", "RequestEntityTooLargeException",
                                                 "BatchRequestTooLong", "ItemCollectionSizeLimitExceededException"};
constexpr std::array<std::string_view, 6> kForbidden{
    "AccessDenied",         "AccessDeniedException", "UnrecognizedClientException",
    "InvalidClientTokenId", "InvalidAccessKeyId",    "MissingAuthenticationToken"};

bool Has(Names names, std::string_view code) {
  return std::ranges::find(names, code) != names.end();
}

// "com.amazonaws.sqs#QueueDoesNotExist:http://…" and "AWS.SimpleQueueService.NonExistentQueue;Sender" -> the last word.
std::string BareCode(std::string_view code) {
  code = code.substr(0, code.find(';'));
  const std::size_t hash = code.find('#');
  if (hash != std::string_view::npos) code.remove_prefix(hash + 1);
  code = code.substr(0, code.find(':'));
  const std::size_t dot = code.rfind('.');
  if (dot != std::string_view::npos) code.remove_prefix(dot + 1);
  return std::string(code);
}

void ReadJson(std::string_view body, Refusal& refusal) {
  wire::StrictParser parser;
  const auto root = parser.Parse(body);
  wire::Object object;
  if (!root || root->get(object) != simdjson::SUCCESS) return;
  wire::FieldErrors errors;
  wire::ObjectReader reader(object, "", errors);
  for (const std::string_view key : {"__type", "code"}) {
    const auto code = reader.OptionalString(key);
    if (refusal.code.empty() && code) refusal.code = BareCode(*code);
  }
  for (const std::string_view key : {"message", "Message"}) {
    const auto text = reader.OptionalString(key);
    if (refusal.message.empty() && text) refusal.message = *text;
  }
}

// <Error> of S3, <ErrorResponse><Error> of SNS and STS.
void ReadXml(std::string_view body, Refusal& refusal) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size())) return;
  pugi::xml_node error = document.child("Error");
  if (!error) error = document.child("ErrorResponse").child("Error");
  if (refusal.code.empty()) refusal.code = BareCode(error.child_value("Code"));
  refusal.message = error.child_value("Message");
}

Cure CureOf(std::string_view code, int status) {
  if (Has(kThrottles, code)) return Cure::kThrottle;
  if (Has(kTransient, code)) return Cure::kRetry;
  if (Has(kEndedCodes, code)) return Cure::kRenew;
  if (Has(kClockCodes, code) || (code.empty() && status == 403)) return Cure::kClock;  // HEAD has no body
  if (status == 429 || status == 503) return Cure::kThrottle;
  return status >= 500 && status != 501 ? Cure::kRetry : Cure::kNone;
}

base::Code CodeOf(const Refusal& refusal, int status) {
  using base::Code;
  if (refusal.cure == Cure::kThrottle) return Code::kThrottled;
  if (refusal.cure == Cure::kRetry) return Code::kUnavailable;
  if (refusal.cure == Cure::kClock || refusal.cure == Cure::kRenew) return Code::kForbidden;
  if (Has(kAbsent, refusal.code) || status == 404) return Code::kNotFound;
  if (Has(kConflicts, refusal.code) || status == 409 || status == 412) return Code::kConflict;
  if (Has(kForbidden, refusal.code) || status == 401 || status == 403) return Code::kForbidden;
  if (Has(kLarge, refusal.code) || status == 413) return Code::kTooLarge;
  return status >= 400 && status < 500 ? Code::kInvalid : Code::kInternal;
}

}  // namespace

Refusal ReadRefusal(const http::ClientResponse& response) {
  Refusal refusal;
  for (const std::string_view name : {"x-amzn-errortype", "x-amzn-query-error"}) {
    if (refusal.code.empty()) refusal.code = BareCode(response.header(name));
  }
  const std::size_t first = response.body.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && response.body[first] == '{') ReadJson(response.body, refusal);
  if (first != std::string::npos && response.body[first] == '<') ReadXml(response.body, refusal);
  if (refusal.message.size() > kMaxMessageBytes) refusal.message.resize(kMaxMessageBytes);
  refusal.cure = CureOf(refusal.code, response.status);
  return refusal;
}

bool IsErrorDocument(std::string_view body) {
  // The root only: a body may be large.
  if (body.starts_with("<?xml")) body.remove_prefix(std::min(body.find("?>") + 2, body.size()));
  const std::size_t first = body.find('<');
  return first != std::string_view::npos && body.substr(first).starts_with("<Error>");
}

base::Error ErrorOf(const Refusal& refusal, int status, std::string_view what) {
  const std::string reason = refusal.code.empty() ? fmt::format("http-{}", status) : refusal.code;
  const std::string_view colon = refusal.message.empty() ? "" : ": ";
  return {.code = CodeOf(refusal, status),
          .message = fmt::format("{} was refused ({}){}{}", what, reason, colon, refusal.message),
          .reason = reason};
}

std::optional<base::TimePoint> ParseHttpDate(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  const char* end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return base::FromUnixMicros(static_cast<std::int64_t>(::timegm(&parts)) * 1'000'000);
}

}  // namespace aws
