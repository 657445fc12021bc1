#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "auth/auth.h"
#include "base/folder.h"
#include "base/hash.h"
#include "base/log.h"

namespace auth {

namespace {

constexpr std::size_t kMaxSecretFileBytes = 64 * 1024;
constexpr std::size_t kUrlSecretBytes = 32;
constexpr int kRsaBits = 2048;

using Key = std::shared_ptr<EVP_PKEY>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free_all)>;

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

base::Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return base::FailErrno("write", errno);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(fd) != 0) return base::FailErrno("fsync", errno);
  return {};
}

base::Status SyncFolder(const std::string& dir) {
  const Fd folder(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) return base::FailErrno("fsync " + dir, errno);
  return {};
}

// nullopt: there is no such file. A secret that others can read is one no longer.
base::Result<std::optional<std::string>> ReadSecret(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0 && errno == ENOENT) return std::nullopt;
  if (file.get() < 0) return base::FailErrno("open " + path, errno);
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return base::FailErrno("stat " + path, errno);
  if (!S_ISREG(info.st_mode) || static_cast<std::size_t>(info.st_size) > kMaxSecretFileBytes) {
    return base::Fail(base::Code::kCorrupt, path + " is not a key file");
  }
  if ((info.st_mode & 077U) != 0) {
    return base::Fail(base::Code::kForbidden, path + " can be read by others: chmod 600, or remove it for a new one");
  }
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), 0);
  if (got != static_cast<ssize_t>(bytes.size())) return base::FailErrno("read " + path, errno);
  return bytes;
}

// Written under another name, synced, then linked: the file is there whole or not at all, and the first of two
// processes wins. What the file holds afterwards.
base::Result<std::string> CreateSecret(const std::string& dir, const std::string& path, std::string_view bytes) {
  std::string temporary = path + ".XXXXXX";
  const Fd file(::mkostemp(temporary.data(), O_CLOEXEC));  // 0600
  if (file.get() < 0) return base::FailErrno("create " + path, errno);
  base::Status written = WriteAll(file.get(), bytes);
  if (written && ::link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    written = base::FailErrno("link " + path, errno);
  }
  ::unlink(temporary.c_str());
  UT_TRY(std::move(written));
  UT_TRY(SyncFolder(dir));
  UT_TRY_ASSIGN(auto kept, ReadSecret(path));
  if (!kept) return base::Fail(base::Code::kUnavailable, path + " vanished");
  return std::move(*kept);
}

base::Status CheckFolder(const std::string& dir) {
  struct stat info{};
  if (::stat(dir.c_str(), &info) != 0) return base::FailErrno("stat " + dir, errno);
  if (!S_ISDIR(info.st_mode)) return base::Fail(base::Code::kUnavailable, dir + " is not a folder");
  // Who may write here could put their own key in ours' place.
  if ((info.st_mode & 022U) != 0) {
    return base::Fail(base::Code::kForbidden, dir + " can be written by others: chmod 700");
  }
  return {};
}

base::Result<std::string> NewKeyPem() {
  const Key key(EVP_RSA_gen(kRsaBits), EVP_PKEY_free);
  const Bio bio(BIO_new(BIO_s_mem()), BIO_free_all);
  if (!key || !bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return base::Fail(base::Code::kInternal, "OpenSSL makes no RSA key");
  }
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

base::Result<Key> LoadKey(const std::string& pem, const std::string& path) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free_all);
  // An empty passphrase: an encrypted key fails instead of asking on the terminal.
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, const_cast<char*>("")), EVP_PKEY_free);
  if (!key || EVP_PKEY_is_a(key.get(), "RSA") != 1 || EVP_PKEY_get_bits(key.get()) < kRsaBits) {
    return base::Fail(base::Code::kCorrupt, path + " holds no RSA key of 2048 bits or more");
  }
  return key;
}

std::string NumberOf(EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return {};
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(raw, BN_free);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(raw)), '\0');
  BN_bn2bin(raw, reinterpret_cast<unsigned char*>(bytes.data()));
  return base::ToBase64Url(bytes);
}

std::string SignRs256(EVP_PKEY* key, std::string_view message) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key));
  std::string signature(size, '\0');
  const bool good = context && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
                    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                                   reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
  signature.resize(good ? size : 0);
  return signature;
}

std::string JsonText(std::string_view text) {
  std::string out;
  base::AppendJsonString(out, text);
  return out;
}

class LocalIssuerImpl final : public LocalIssuer {
 public:
  LocalIssuerImpl(Key key, std::string url_secret) : key_(std::move(key)), url_secret_(std::move(url_secret)) {
    modulus_ = NumberOf(key_.get(), OSSL_PKEY_PARAM_RSA_N);
    exponent_ = NumberOf(key_.get(), OSSL_PKEY_PARAM_RSA_E);
    // RFC 7638: the thumbprint names the key by what it is.
    const std::string canonical = fmt::format(R"({{"e":"{}","kty":"RSA","n":"{}"}})", exponent_, modulus_);
    kid_ = base::ToBase64Url(base::View(base::Sha256Of(canonical)));
  }

  [[nodiscard]] std::string issuer() const override { return "https://ubertoons.local/" + kid_; }
  [[nodiscard]] std::string Jwks() const override {
    return fmt::format(R"({{"keys":[{{"kty":"RSA","use":"sig","alg":"RS256","kid":"{}","n":"{}","e":"{}"}}]}})", kid_,
                       modulus_, exponent_);
  }
  [[nodiscard]] std::string Mint(const Grant& grant, base::TimePoint now, base::Random& random) const override {
    const std::int64_t issued = base::UnixMicros(now) / 1'000'000;
    const std::string groups = grant.role == Role::kNone ? "" : JsonText(RoleName(grant.role));
    const std::string header = fmt::format(R"({{"alg":"RS256","kid":"{}","typ":"JWT"}})", kid_);
    const std::string claims =
        fmt::format(R"({{"iss":"{}","sub":{},"client_id":"ubertoons-local","token_use":"access","cognito:groups":[{}],)"
                    R"("iat":{},"exp":{},"jti":"{}"}})",
                    issuer(), JsonText(grant.subject), groups, issued, issued + grant.ttl.count(), random.Hex(16));
    const std::string message = base::ToBase64Url(header) + "." + base::ToBase64Url(claims);
    return message + "." + base::ToBase64Url(SignRs256(key_.get(), message));
  }
  [[nodiscard]] std::string url_secret() const override { return url_secret_; }

 private:
  const Key key_;
  const std::string url_secret_;
  std::string modulus_;
  std::string exponent_;
  std::string kid_;
};

base::Result<std::string> NewUrlSecret() {
  std::string secret(kUrlSecretBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(secret.data()), static_cast<int>(secret.size())) != 1) {
    return base::Fail(base::Code::kInternal, "OpenSSL gives no random bytes");
  }
  return secret;
}

}  // namespace

base::Result<std::unique_ptr<LocalIssuer>> LocalIssuer::Open(const std::string& dir) {
  UT_TRY(base::MakeDurableFolder(dir, base::Parents::kMade));
  UT_TRY(CheckFolder(dir));
  const std::string key_path = dir + "/issuer-key.pem";
  UT_TRY_ASSIGN(auto pem, ReadSecret(key_path));
  if (!pem) {
    UT_TRY_ASSIGN(const std::string fresh, NewKeyPem());
    UT_TRY_ASSIGN(pem, CreateSecret(dir, key_path, fresh));
  }
  UT_TRY_ASSIGN(Key key, LoadKey(*pem, key_path));
  const std::string secret_path = dir + "/url-secret";
  UT_TRY_ASSIGN(auto secret, ReadSecret(secret_path));
  if (!secret) {
    UT_TRY_ASSIGN(const std::string fresh, NewUrlSecret());
    UT_TRY_ASSIGN(secret, CreateSecret(dir, secret_path, fresh));
  }
  if (secret->size() != kUrlSecretBytes) return base::Fail(base::Code::kCorrupt, secret_path + " is damaged");
  return std::make_unique<LocalIssuerImpl>(std::move(key), std::move(*secret));
}

base::Status LocalIssuer::Verify(const std::string& dir) {
  const auto absent = [](const std::string& path) { return base::Fail(base::Code::kNotFound, path + " is missing"); };
  const std::string key_path = dir + "/issuer-key.pem";
  const std::string secret_path = dir + "/url-secret";
  UT_TRY_ASSIGN(const auto pem, ReadSecret(key_path));
  if (!pem) return absent(key_path);
  UT_TRY(CheckFolder(dir));
  UT_TRY(LoadKey(*pem, key_path));
  UT_TRY_ASSIGN(const auto secret, ReadSecret(secret_path));
  if (!secret) return absent(secret_path);
  if (secret->size() != kUrlSecretBytes) return base::Fail(base::Code::kCorrupt, secret_path + " is damaged");
  return {};
}

}  // namespace auth
