// An executor that keeps no side of the protocol: it answers tasks that it has not read. The verb says how.
#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "sandbox/protocol.h"

namespace {

std::string Framed(const std::string& head) {
  const auto prefix = sandbox::MakePrefix(head.size());
  return std::string(prefix.data(), prefix.size()) + head;
}

void Send(const std::string& frames) {
  (void)!::write(sandbox::kReplyFd, frames.data(), frames.size());
}

std::string ReadVerb() {
  std::array<char, sandbox::kPrefixBytes> prefix{};
  if (::read(sandbox::kTaskFd, prefix.data(), prefix.size()) != static_cast<ssize_t>(prefix.size())) return {};
  std::string head(sandbox::ReadPrefix(prefix).value_or(0), '\0');
  if (::read(sandbox::kTaskFd, head.data(), head.size()) != static_cast<ssize_t>(head.size())) return {};
  return sandbox::DecodeTask(head).value_or(sandbox::TaskHead{}).verb;
}

std::string Reply() {
  return Framed(
      sandbox::EncodeReply(ports::ProcessorOutput{.result_json = "{\"pid\":" + std::to_string(::getpid()) + "}"}));
}

}  // namespace

int main(int argc, char**) {
  if (argc == 2) return 3;  // --version
  sandbox::Hello hello{.version = "1+rude", .level = sandbox::Level::kStrict, .refusal = {}, .measures = {}};
  Send(Framed(sandbox::EncodeHello(hello)));
  for (;;) {
    const std::string verb = ReadVerb();
    if (verb.empty() || verb == "die") return 0;
    if (verb == "stop-reading") (void)::close(sandbox::kTaskFd);
    if (verb == "hang-up") {
      (void)::close(sandbox::kReplyFd);
      (void)::poll(nullptr, 0, -1);
    }
    while (verb == "flood") (void)!::write(STDERR_FILENO, "0123456789abcdef", 16);
    Send(verb == "twice" ? Reply() + Reply() : Reply());
  }
}
