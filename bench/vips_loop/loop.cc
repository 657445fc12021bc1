#include "loop.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <utility>

#include "base/hash.h"
#include "files.h"
#include "shrink.h"

namespace bench {

namespace {

constexpr char kReady = 'r';  // child to parent: warm
constexpr char kGo = 'g';     // parent to child
constexpr char kDone = 'd';   // child to parent: nothing left

struct Pipe {
  int read_fd = -1;
  int write_fd = -1;
  Pipe() {
    int fds[2];
    if (pipe(fds) != 0) throw std::runtime_error("pipe failed");
    read_fd = fds[0];
    write_fd = fds[1];
  }
  void CloseRead() { close(std::exchange(read_fd, -1)); }
  void CloseWrite() { close(std::exchange(write_fd, -1)); }
};

void Tell(const Pipe& pipe, char what) {
  if (write(pipe.write_fd, &what, 1) != 1) throw std::runtime_error("the other process is gone");
}

void Await(const Pipe& pipe, char what) {
  char got = 0;
  if (read(pipe.read_fd, &got, 1) != 1 || got != what) throw std::runtime_error("a process of the loop failed");
}

std::atomic<std::size_t>& SharedCounter() {
  void* page =
      mmap(nullptr, sizeof(std::atomic<std::size_t>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw std::runtime_error("mmap failed");
  return *new (page) std::atomic<std::size_t>(0);
}

// One image, as the loop does it; a line of the hashes.
std::string DoOne(const std::filesystem::path& path, const std::filesystem::path& out_folder) {
  const std::string source = ReadFile(path);
  const std::string source_sha = base::ToHex(base::Sha256Of(source));
  VipsBlob* blob = SaveWebp(Thumbnail(source));
  std::size_t size = 0;
  const auto* data = static_cast<const char*>(vips_blob_get(blob, &size));
  const std::string_view output(data, size);
  std::string line = fmt::format("{}\t{}\t{}\t{}\n", path.stem().string(), source_sha,
                                 base::ToHex(base::Sha256Of(output)), output.size());
  WriteFile(out_folder / (path.stem().string() + ".webp"), output);
  vips_area_unref(VIPS_AREA(blob));
  return line;
}

// A child's whole life. libvips starts threads, which a fork would lose: it is initialised here, after the fork.
void Child(const LoopOptions& options, int number, std::atomic<std::size_t>& next, Pipe& up, Pipe& down) {
  if (VIPS_INIT("bench-vips-loop") != 0) throw std::runtime_error("libvips does not start");
  vips_concurrency_set(1);
  vips_cache_set_max(0);
  for (const std::string& file : options.warm_files) DoOne(file, options.out_folder);
  Tell(up, kReady);
  Await(down, kGo);
  std::string lines;
  while (true) {
    const std::size_t index = next.fetch_add(1, std::memory_order_relaxed);
    if (index >= options.files.size()) break;
    lines += DoOne(options.files[index], options.out_folder);
  }
  WriteFile(std::filesystem::path(options.out_folder) / fmt::format("hashes-{}.tsv", number), lines);
  Tell(up, kDone);
}

pid_t Start(const LoopOptions& options, int number, std::atomic<std::size_t>& next, Pipe& up, Pipe& down) {
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid > 0) return pid;
  up.CloseRead();
  down.CloseWrite();
  int status = 0;
  try {
    Child(options, number, next, up, down);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench-vips-loop: {}\n", error.what());
    status = 1;
  }
  _exit(status);
}

}  // namespace

double RunLoop(const LoopOptions& options) {
  std::atomic<std::size_t>& next = SharedCounter();
  Pipe up;
  Pipe down;
  std::vector<pid_t> children;
  for (int i = 0; i < options.processes; ++i) children.push_back(Start(options, i, next, up, down));
  up.CloseWrite();
  down.CloseRead();
  for (int i = 0; i < options.processes; ++i) Await(up, kReady);
  const auto started = std::chrono::steady_clock::now();
  for (int i = 0; i < options.processes; ++i) Tell(down, kGo);
  for (int i = 0; i < options.processes; ++i) Await(up, kDone);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  for (const pid_t child : children) waitpid(child, nullptr, 0);
  return seconds;
}

}  // namespace bench
