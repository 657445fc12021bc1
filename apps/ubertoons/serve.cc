#include "serve.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/error.h"
#include "base/log.h"
#include "copy_tree.h"
#include "local_home.h"

namespace {

// What to do, where the error alone does not say it.
std::string_view HintFor(const base::Error& error) {
  const auto says = [&](std::string_view words) { return error.message.find(words) != std::string::npos; };
  if (error.code == base::Code::kCorrupt) {
    return "  Nothing was removed. See what is whole with `ubertoons check`, then restore a backup: docs/runbook.md\n";
  }
  if (says("No space left") || says("quota exceeded")) return "  Free some space on that disk and start again.\n";
  if (says("Read-only file system")) return "  Mount it writable; after an error of the disk, check the disk first.\n";
  if (says("Permission denied") || says("not permitted")) {
    return "  The folder must belong to the user that serves, with mode 0700.\n";
  }
  return "";
}

int Refuse(const base::Error& error) {
  std::string text = fmt::format("ubertoons: {}\n", error.message);
  for (const base::FieldError& field : error.fields) {
    if (field.detail != error.message) text += fmt::format("  {}: {}\n", field.pointer, field.detail);
  }
  text += HintFor(error);
  std::fputs(text.c_str(), stderr);
  return error.code == base::Code::kInvalid ? 2 : base::PolicyOf(error.code).exit_code;
}

// Blocked in every thread, so that the main one alone takes them. SIGPIPE is an error of a write, never a death.
sigset_t BlockSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return set;
}

}  // namespace

void AddServe(CLI::App& app, config::Flags& flags, std::function<void()> chosen) {
  CLI::App* serve =
      app.add_subcommand("serve", "Run the server: API, engine and workers on this machine")->group("Server");
  serve->add_option("--data", flags.data, "Folder for everything that is kept")->type_name("DIR");
  serve->add_option("--listen", flags.listen, "Where the API listens (default 127.0.0.1:8080; port 0: any free one)")
      ->type_name("HOST:PORT");
  serve->add_option("--workers", flags.workers, "Worker processes at most (default: one per core and one more)")
      ->type_name("MAX");
  serve->add_option("--config", flags.config_file, "Settings in TOML; flags and UBERTOONS_* variables win over it")
      ->type_name("FILE");
  serve->add_option("--tls-cert", flags.tls_cert, "Certificate chain (PEM); with --tls-key: serve HTTPS");
  serve->add_option("--tls-key", flags.tls_key, "Private key (PEM)");
  serve->add_option("--issuer", flags.issuer, "Accept tokens of this issuer (a Cognito user pool) instead of our own");
  serve->add_option("--jwks-url", flags.jwks_url, "Its keys, if not at ISSUER/.well-known/jwks.json");
  serve->add_option("--public-url", flags.public_url, "How clients reach the API, for signed URLs");
  serve->add_option("--log-level", flags.log_level, "debug, info, warn, error or off");
  serve->add_option("--worker-command", flags.worker_command,
                    "Another ubertoons-worker than the one beside this program");
  serve->add_option("--isolation", flags.isolation, "Of media decoders: strict (default) or contained")
      ->type_name("LEVEL");
  serve
      ->add_option("--memory-budget", flags.memory_budget,
                   "What workers and executors may hold together: auto (default), off or a size such as 4GiB")
      ->type_name("SIZE");
  serve->add_flag("--allow-insecure-listen", flags.allow_insecure_listen,
                  "Listen on a non-loopback address without TLS");
  serve->callback(std::move(chosen));
}

int Serve(const config::Flags& flags, const std::map<std::string, std::string>& environment, const base::Clock& clock,
          base::Random& random) {
  // Its keys are nobody's business: no core dumps, and /proc/PID/mem only for root.
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const sigset_t signals = BlockSignals();
  const auto settings = config::Load(flags, environment);
  if (!settings) return Refuse(settings.error());
  base::SetLogLevel(settings->log_level);
  auto home = LocalHome::Open(*settings, clock, random);
  if (!home) return Refuse(home.error());
  if (const auto told = WriteDurably(settings->data_dir + "/url", (*home)->url() + "\n"); !told) {
    return Refuse(told.error());
  }
  std::printf("ubertoons listening on %s\n", (*home)->url().c_str());
  std::fflush(stdout);
  base::LogInfo("server-ready", {{"url", (*home)->url()}, {"data", settings->data_dir}});
  int signal = 0;
  sigwait(&signals, &signal);
  base::LogInfo("server-draining", {{"signal", signal}});
  (*home)->Drain();
  base::LogInfo("server-stopped", {});
  return 0;
}
