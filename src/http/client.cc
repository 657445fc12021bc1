#include "http/client.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include "http/text.h"

namespace http {

namespace {

// One exchange: what libcurl's callbacks write to and read from.
struct Transfer {
  const ClientRequest& request;
  ClientResponse response;
  int body_fd = -1;
  std::size_t body_sent = 0;  // of a body in memory that is never resent
  bool too_large = false;
  bool stopped = false;  // on_data said that it is enough
  bool file_broke = false;
};

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos)
    text.remove_suffix(1);
  return text;
}

std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size * count);
  ClientResponse& response = transfer.response;
  if (line.starts_with("HTTP/")) {  // a 100 Continue or trailers' predecessor: the last head counts
    response.headers.clear();
    const std::size_t space = line.find(' ');
    response.status = space == std::string_view::npos ? 0 : std::atoi(line.data() + space + 1);
    return line.size();
  }
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos && response.headers.size() < 256) {
    response.headers.emplace_back(line.substr(0, colon), Trim(line.substr(colon + 1)));
  }
  return line.size();
}

std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view piece(data, size * count);
  const bool good = transfer.response.status / 100 == 2;
  if (good && transfer.request.on_data) {
    transfer.stopped = !transfer.request.on_data(piece);
    return transfer.stopped ? 0 : piece.size();
  }
  if (piece.size() > transfer.request.max_response_bytes - transfer.response.body.size()) {
    transfer.too_large = true;
    return 0;
  }
  transfer.response.body += piece;
  return piece.size();
}

std::size_t OnRead(char* to, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  for (;;) {
    const ssize_t got = ::read(transfer.body_fd, to, size * count);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EINTR) continue;
    transfer.file_broke = true;
    return CURL_READFUNC_ABORT;
  }
}

std::size_t OnReadMemory(char* to, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view piece = transfer.request.body.substr(transfer.body_sent, size * count);
  std::ranges::copy(piece, to);
  transfer.body_sent += piece.size();
  return piece.size();
}

base::Error ErrorOf(const Transfer& transfer, CURLcode code, const char* detail) {
  using base::Code;
  const std::string text = *detail != '\0' ? detail : curl_easy_strerror(code);
  if (transfer.too_large) {
    return {.code = Code::kTooLarge,
            .message = fmt::format("The response is larger than {} bytes", transfer.request.max_response_bytes)};
  }
  if (transfer.file_broke) return {.code = Code::kUnavailable, .message = "The file to be sent cannot be read"};
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return {.code = Code::kTimeout, .message = text};
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {.code = Code::kInvalid, .message = text};
    default:
      return {.code = Code::kUnavailable, .message = text};
  }
}

// A header list as libcurl wants it, freed at the end. False when a header would break the request.
class HeaderList {
 public:
  HeaderList() = default;
  ~HeaderList() { curl_slist_free_all(list_); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  [[nodiscard]] bool Add(const std::string& line) {
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) return false;
    curl_slist* longer = curl_slist_append(list_, line.c_str());
    if (longer != nullptr) list_ = longer;
    return longer != nullptr;
  }
  [[nodiscard]] curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

base::Status FillHeaders(const ClientRequest& request, HeaderList& list) {
  bool good = list.Add("Expect:");  // no round trip for a 100 Continue
  if (FindHeader(request.headers, "content-type").empty()) good = good && list.Add("Content-Type:");
  for (const auto& [name, value] : request.headers) {
    // libcurl drops "Name:" and sends "Name;" as an empty header.
    good = good && list.Add(value.empty() ? name + ";" : name + ": " + value);
  }
  if (!good) return base::Fail(base::Code::kInvalid, "A request header holds a line break");
  return {};
}

class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

void SetCallbacks(CURL* curl, Transfer& transfer) {
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
}

void SetBasics(CURL* curl, const ClientRequest& request) {
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);  // signed paths are sent as they were signed
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (!request.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file.c_str());
}

void SetMemoryBody(CURL* curl, Transfer& transfer) {
  const ClientRequest& request = transfer.request;
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (request.resend == Resend::kNever && !request.body.empty()) {
    // libcurl has no switch for it, but a body that is read and cannot be wound back is not sent twice.
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, OnReadMemory);
    curl_easy_setopt(curl, CURLOPT_READDATA, &transfer);
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
             request.method == "PATCH") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
  }
}

base::Status SetFileBody(CURL* curl, Transfer& transfer) {
  struct stat info{};
  if (transfer.body_fd < 0 || ::fstat(transfer.body_fd, &info) != 0) {
    return base::FailErrno("open " + transfer.request.body_file, errno);
  }
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, OnRead);
  curl_easy_setopt(curl, CURLOPT_READDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(info.st_size));
  curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
  return {};
}

}  // namespace

std::string_view ClientResponse::header(std::string_view name) const {
  return FindHeader(headers, name);
}

struct Client::Impl {
  CURL* curl = nullptr;
};

Client::Client() : impl_(std::make_unique<Impl>()) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  impl_->curl = curl_easy_init();
}
Client::~Client() {
  if (impl_->curl != nullptr) curl_easy_cleanup(impl_->curl);
}

base::Result<ClientResponse> Client::Send(const ClientRequest& request) {
  CURL* curl = impl_->curl;
  if (curl == nullptr) return base::Fail(base::Code::kUnavailable, "libcurl does not start");
  if (request.method.find_first_of(" \r\n") != std::string::npos || request.url.find('\0') != std::string::npos) {
    return base::Fail(base::Code::kInvalid, "The method or URL is malformed");
  }
  curl_easy_reset(curl);  // keeps the connection
  char detail[CURL_ERROR_SIZE] = "";
  Transfer transfer{.request = request};
  HeaderList headers;
  UT_TRY(FillHeaders(request, headers));
  SetBasics(curl, request);
  SetCallbacks(curl, transfer);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
  std::optional<OpenFile> file;
  if (request.body_file.empty()) {
    SetMemoryBody(curl, transfer);
  } else {
    transfer.body_fd = file.emplace(request.body_file).fd();
    UT_TRY(SetFileBody(curl, transfer));
  }
  const CURLcode code = curl_easy_perform(curl);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  if (code != CURLE_OK && !transfer.stopped) {
    base::Error error = ErrorOf(transfer, code, detail);
    curl_off_t ready = 0;  // microseconds until the request could be written; 0: never
    curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &ready);
    if (ready == 0) error.reason = kReasonNotSent;
    return std::unexpected(std::move(error));
  }
  return std::move(transfer.response);
}

}  // namespace http
