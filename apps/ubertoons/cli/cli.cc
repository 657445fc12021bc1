#include "cli/cli.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <memory>
#include <thread>

#include "cli/artifacts.h"
#include "cli/jobs.h"
#include "cli/quarantine.h"
#include "cli/results.h"
#include "cli/submit.h"
#include "cli/token.h"
#include "cli/watch.h"

namespace cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  ubertoons submit samples/manifest.json --watch        submit a document and follow it
  ubertoons submit photos/ --op image:thumbnail:width=256 --reduce summary
  producer | ubertoons submit - --job-id NIGHTLY        NDJSON, one toon a line
  ubertoons results NIGHTLY --state Failed              what went wrong
  ubertoons results NIGHTLY --json | jq '.results[].result'
  ubertoons artifacts NIGHTLY -o out/                   every artifact, checked by SHA-256
  ubertoons retry NIGHTLY --watch                       the failed toons again
  ubertoons quarantine release SHA256                   bytes that killed their processor get another chance
  ubertoons backup --data DIR --to NEW                  a whole copy, while the server works (docs/runbook.md)

Server and token: --url and --token, else UBERTOONS_URL and UBERTOONS_TOKEN, else url, token or token_file in
$XDG_CONFIG_HOME/ubertoons/client.toml. Data goes to standard output, everything else to standard error.

Exit codes:
  0  done                                     4  unreachable, timed out, or failed on the server (5xx)
  1  the job Failed (--watch, --exit-status)  5  throttled, even after waiting as asked (429)
  2  wrong usage or unreadable input          6  internal: a defect, damaged data, or this machine refused
  3  refused by the server (4xx)            130  interrupted while watching; the job goes on)";

constexpr const char* kShortFooter = "Server, token and exit codes: see ubertoons --help";

constexpr const char* kJobsGroup = "Jobs";
constexpr const char* kOutcomesGroup = "What came out";
constexpr const char* kServerGroup = "Server";

// Runs one command and turns what came of it into an exit code. A reader that went away is no failure.
int Conclude(Stream& out, Stream& err, Format format, Try<Exit> outcome) {
  out.Flush();
  if (outcome && out.error() != 0) outcome = FailLocal("write to standard output", out.error());
  if (outcome) return static_cast<int>(*outcome);
  PrintFailure(err, outcome.error(), format);
  return static_cast<int>(outcome.error().exit);
}

using Command = std::function<Try<Exit>(Shell&)>;

int RunWithServer(Environment& env, const ConnectionFlags& flags, Format format, const Command& command) {
  Stream out(env.out, env.variables);
  Stream err(env.err, env.variables);
  auto settings = ResolveSettings(flags, env.variables);
  if (!settings) return Conclude(out, err, format, std::unexpected(std::move(settings).error()));
  Session session(std::move(*settings), env, err);
  Shell shell{env, out, err, session};
  return Conclude(out, err, format, command(shell));
}

// A subcommand with the flags that say where the server is. Options live as long as the App, in its callback.
template <typename Options>
struct Verb {
  CLI::App* app;
  std::shared_ptr<Options> options;
  std::shared_ptr<ConnectionFlags> connection;
};

void AddConnection(CLI::App& app, ConnectionFlags& flags) {
  app.add_option("--url", flags.url, fmt::format("Server, with its stage if any [{}]", kDefaultUrl))
      ->type_name("URL")
      ->group("Connection");
  app.add_option("--token", flags.token, "Bearer token; others may read it here, prefer UBERTOONS_TOKEN")
      ->type_name("TOKEN")
      ->group("Connection");
  app.add_option("--ca-file", flags.ca_file, "PEM file of certificates to trust")
      ->type_name("FILE")
      ->group("Connection");
}

template <typename Options>
Verb<Options> AddVerb(CLI::App& app, const char* name, const char* description, const char* group) {
  Verb<Options> verb{app.add_subcommand(name, description)->group(group), std::make_shared<Options>(),
                     std::make_shared<ConnectionFlags>()};
  AddConnection(*verb.app, *verb.connection);
  return verb;
}

template <typename Options, typename Run>
void Finish(Verb<Options> verb, Environment& env, Run run) {
  verb.app->callback([verb, &env, run] {
    env.action = [verb, &env, run] {
      const Format format = verb.options->json ? Format::kJson : Format::kText;
      return RunWithServer(env, *verb.connection, format, [&](Shell& shell) { return run(shell, *verb.options); });
    };
  });
}

void AddJson(CLI::App* app, bool& json, const char* description) {
  app->add_flag("--json", json, description);
}

void AddSubmit(CLI::App& app, Environment& env) {
  auto verb = AddVerb<SubmitOptions>(app, "submit", "Submit files, folders, a document or NDJSON as a job", kJobsGroup);
  SubmitOptions& o = *verb.options;
  CLI::App& sub = *verb.app;
  sub.add_option("PATH", o.paths, "Files and folders; \"-\" (NDJSON); or one manifest.json with \"toons\"")->required();
  sub.add_option("--job-id", o.job_id, "The job's id [made by the server]")->type_name("ID");
  sub.add_option("--op", o.operations, "TYPE:NAME[:k=v,…] An operation on every toon of a type; repeat for more")
      ->type_name("OP")
      ->take_all()
      ->expected(1);
  sub.add_option("--reduce", o.reducers, "NAME[:k=v,…] A reducer besides summary; repeat for more")
      ->type_name("REDUCER")
      ->take_all()
      ->expected(1);
  sub.add_option("--type", o.type, "Type of every file [guessed from extension and content]")->type_name("TYPE");
  sub.add_option("--priority", o.priority, "-100 to 100, higher first")
      ->check(CLI::Range(-100, 100).description(""))
      ->type_name("N");
  sub.add_flag("--per-toon", o.per_toon, "One toon a chunk");
  // Neither, either: what is not said is the server's to decide.
  auto* reuse =
      sub.add_flag_callback("--reuse", [&o] { o.reuse = true; }, "Use outcomes of equal toons processed before");
  sub.add_flag_callback("--no-reuse", [&o] { o.reuse = false; }, "Process every toon anew")->excludes(reuse);
  sub.add_option("--tolerance", o.tolerance, "5% or 3: failures that still make a Completed job")->type_name("N|N%");
  sub.add_option("--metadata", o.metadata, "Of the job; repeat for more")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->expected(1);
  sub.add_flag("--manifest", o.manifest, "PATH is one NDJSON manifest, uploaded as it is");
  sub.add_flag("--watch", o.watch, "Follow the job; exit 1 if it Failed");
  AddJson(&sub, o.json, "Print the server's document instead of the job's id");
  Finish(verb, env, RunSubmit);
}

void AddWatch(CLI::App& app, Environment& env) {
  auto verb = AddVerb<WatchOptions>(app, "watch", "Follow a job until it ends", kJobsGroup);
  verb.app->add_option("JOB", verb.options->job_id, "Job id")->required();
  verb.app->add_flag("--exit-status", verb.options->exit_status, "Exit 1 if the job Failed");
  AddJson(verb.app, verb.options->json, "Print the final status document; progress goes to standard error");
  Finish(verb, env, RunWatch);
}

CLI::App* AddJobVerb(CLI::App& app, Environment& env, const char* name, const char* description,
                     Try<Exit> (*run)(Shell&, const JobOptions&), JobOptions** options) {
  auto verb = AddVerb<JobOptions>(app, name, description, kJobsGroup);
  verb.app->add_option("JOB", verb.options->job_id, "Job id")->required();
  AddJson(verb.app, verb.options->json, "Print the server's document");
  *options = verb.options.get();
  Finish(verb, env, run);
  return verb.app;
}

void AddJobVerbs(CLI::App& app, Environment& env) {
  JobOptions* options = nullptr;
  AddJobVerb(app, env, "status", "Show how a job stands", RunStatus, &options);
  AddWatch(app, env);
  AddJobVerb(app, env, "cancel", "Stop a job; what has no outcome reads Failed", RunCancel, &options);
  CLI::App* retry = AddJobVerb(app, env, "retry", "Process a job's failed toons again", RunRetry, &options);
  retry->add_flag("--watch", options->watch, "Follow the job; exit 1 if it Failed");
}

void AddJobs(CLI::App& app, Environment& env) {
  auto verb = AddVerb<ListOptions>(app, "jobs", "List jobs, newest first", kJobsGroup);
  verb.app->add_option("--status", verb.options->status, "Only these")
      ->transform(CLI::IsMember({"Pending", "Processing", "Completed", "Failed"}, CLI::ignore_case));
  verb.app->add_option("--limit", verb.options->limit, "At most so many");
  AddJson(verb.app, verb.options->json, "Print {\"jobs\":[…]}");
  Finish(verb, env, RunJobs);
}

struct ResultsFlags {
  ResultQuery query;
  bool json = false;
  bool csv = false;
};

void AddResults(CLI::App& app, Environment& env) {
  auto verb = AddVerb<ResultsFlags>(app, "results", "Show a job's results, in manifest order", kOutcomesGroup);
  ResultQuery& query = verb.options->query;
  verb.app->add_option("JOB", query.job_id, "Job id")->required();
  verb.app->add_option("--state", query.state, "Only these")
      ->transform(CLI::IsMember({"Pending", "Succeeded", "Failed"}, CLI::ignore_case));
  verb.app->add_option("--type", query.type, "Only toons of this type");
  verb.app->add_option("--limit", query.limit, "At most so many");
  auto* json = verb.app->add_flag("--json", verb.options->json, "Print {\"jobId\",\"results\":[…]}");
  verb.app->add_flag("--csv", verb.options->csv, "Print CSV")->excludes(json);
  Finish(verb, env, [](Shell& shell, const ResultsFlags& flags) {
    const ResultFormat other = flags.csv ? ResultFormat::kCsv : ResultFormat::kTable;
    return RunResults(shell, flags.query, flags.json ? ResultFormat::kJson : other);
  });
}

void AddArtifacts(CLI::App& app, Environment& env) {
  auto verb = AddVerb<ArtifactOptions>(app, "artifacts", "Download all artifacts of a job", kOutcomesGroup);
  verb.app->add_option("JOB", verb.options->job_id, "Job id")->required();
  verb.app->add_option("-o,--output", verb.options->folder, "Files become DIR/<toon or _job>/<name>")
      ->type_name("DIR")
      ->required();
  AddJson(verb.app, verb.options->json, "Print an object a line instead of paths");
  Finish(verb, env, RunArtifacts);
}

std::string RefuseHash(const std::string& text) {
  return base::Sha256FromHex(text) ? "" : fmt::format("'{}' is no SHA-256: 64 hexadecimal digits are", text);
}

void AddQuarantine(CLI::App& app, Environment& env) {
  auto verb = AddVerb<QuarantineOptions>(
      app, "quarantine", "List bytes that are refused since they killed their processor", kOutcomesGroup);
  QuarantineOptions& o = *verb.options;
  verb.app->add_option("--limit", o.limit, "At most so many");
  AddJson(verb.app, o.json, "Print {\"items\":[…]}");
  // The same flags before and after "release".
  CLI::App* release = verb.app->add_subcommand("release", "Let these bytes be processed again; then retry their job");
  release->group("Subcommands");
  release->add_option("SHA256", o.hashes, "As listed; several may be given")
      ->required()
      ->check(RefuseHash)
      ->type_name("");
  AddJson(release, o.json, "Print {\"released\":[…]}");
  AddConnection(*release, *verb.connection);
  Finish(verb, env, [release](Shell& shell, const QuarantineOptions& options) {
    return release->parsed() ? RunRelease(shell, options) : RunQuarantine(shell, options);
  });
}

void AddToken(CLI::App& app, Environment& env) {
  CLI::App* sub = app.add_subcommand("token", "Make a token for a local server")->group(kServerGroup);
  auto options = std::make_shared<TokenOptions>();
  sub->add_option("--data", options->data, "The server's data folder")->type_name("DIR")->required();
  sub->add_option("--sub", options->subject, "Whom it names: the tenant")->type_name("NAME")->required();
  sub->add_option("--ttl", options->ttl, "90s, 30m, 1h, 7d …")->type_name("TIME")->capture_default_str();
  sub->add_option("--role", options->role, "viewer, operator or admin")->type_name("ROLE")->capture_default_str();
  sub->callback([options, &env] {
    env.action = [options, &env] {
      Stream out(env.out, env.variables);
      Stream err(env.err, env.variables);
      return Conclude(out, err, Format::kText, RunToken(env, out, *options));
    };
  });
}

// What CLI11 has to say, where it belongs: help on standard output, errors on standard error.
int ExitOfParse(const CLI::App& app, const CLI::ParseError& error, Environment& env) {
  std::ostringstream help;
  std::ostringstream complaint;
  const int code = app.exit(error, help, complaint);
  Stream(env.out, env.variables).Write(help.str());
  Stream(env.err, env.variables).Write(complaint.str());
  return static_cast<int>(code == 0 ? Exit::kOk : Exit::kUsage);
}

}  // namespace

Environment ProcessEnvironment(const base::Clock& clock, base::Random& random) {
  Environment env{.clock = &clock, .random = &random};
  env.sleep = [](std::chrono::milliseconds pause) { std::this_thread::sleep_for(pause); };
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) env.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return env;
}

void AddCommands(CLI::App& app, Environment& env) {
  app.get_formatter()->column_width(34);
  app.get_formatter()->label("REQUIRED", "(required)");
  app.get_formatter()->label("UINT", "N");
  app.footer(kShortFooter);  // what subcommands inherit
  app.require_subcommand(1);
  AddSubmit(app, env);
  AddJobVerbs(app, env);
  AddJobs(app, env);
  AddResults(app, env);
  AddArtifacts(app, env);
  AddQuarantine(app, env);
  AddToken(app, env);
  app.footer(kFooter);
}

int Run(CLI::App& app, Environment& env, int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // writing answers EPIPE instead, which commands take as "enough"
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ExitOfParse(app, error, env);
  }
  return env.action ? env.action() : static_cast<int>(Exit::kUsage);
}

}  // namespace cli
