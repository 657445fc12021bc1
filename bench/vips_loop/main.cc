// bench-vips-loop: the bare side of `./dev bench --only images`, its input, and its judge.
//   make --count N --out FOLDER                         photos to shrink
//   run --out FOLDER [--warm FILE…] FILE…               {"seconds"}
//   stages FILE…                                        {"read","hash","decode","resize","encode"}, milliseconds an
//   image compare FOLDER FOLDER {"images","missing","identical","mean","worst","bytes","otherBytes"}
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vips/vips8>

#include "compare.h"
#include "loop.h"
#include "photos.h"
#include "stages.h"

namespace {

void StartVips() {
  if (VIPS_INIT("bench-vips-loop") != 0) throw std::runtime_error("libvips does not start");
  vips_concurrency_set(1);
  vips_cache_set_max(0);
}

void AddMake(CLI::App& app) {
  struct Options {
    std::string out;
    int count = 400;
    int processes = 2;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("make", "write photo-like JPEGs");
  verb->add_option("--out", options->out)->required();
  verb->add_option("--count", options->count);
  verb->add_option("--processes", options->processes)->check(CLI::Range(1, 256));
  verb->callback([options] { bench::MakePhotos(options->out, options->count, options->processes); });
}

void AddRun(CLI::App& app) {
  const auto options = std::make_shared<bench::LoopOptions>();
  CLI::App* verb = app.add_subcommand("run", "shrink, encode and hash every file; prints the seconds it took");
  verb->add_option("--out", options->out_folder)->required()->check(CLI::ExistingDirectory);
  verb->add_option("--warm", options->warm_files);
  verb->add_option("--processes", options->processes)->check(CLI::Range(1, 256));
  verb->add_option("files", options->files)->required();
  verb->callback([options] { fmt::print("{{\"seconds\":{:.6f}}}\n", bench::RunLoop(*options)); });
}

void AddStages(CLI::App& app) {
  const auto files = std::make_shared<std::vector<std::string>>();
  CLI::App* verb = app.add_subcommand("stages", "CPU milliseconds an image in each stage");
  verb->add_option("files", *files)->required();
  verb->callback([files] {
    StartVips();
    const bench::Stages mean = bench::MeasureStages(*files);
    fmt::print("{{\"read\":{:.3f},\"hash\":{:.3f},\"decode\":{:.3f},\"resize\":{:.3f},\"encode\":{:.3f}}}\n", mean.read,
               mean.hash, mean.decode, mean.resize, mean.encode);
  });
}

void AddCompare(CLI::App& app) {
  const auto folders = std::make_shared<std::pair<std::string, std::string>>();
  CLI::App* verb = app.add_subcommand("compare", "how far the images of two folders are from each other");
  verb->add_option("one", folders->first)->required()->check(CLI::ExistingDirectory);
  verb->add_option("other", folders->second)->required()->check(CLI::ExistingDirectory);
  verb->callback([folders] {
    StartVips();
    const bench::Comparison found = bench::CompareFolders(folders->first, folders->second);
    fmt::print(
        "{{\"images\":{},\"missing\":{},\"identical\":{},\"mean\":{:.4f},\"worst\":{:.4f},\"bytes\":{},\"otherBytes\":{"
        "}}}\n",
        found.images, found.missing, found.identical, found.mean, found.worst, found.bytes, found.other_bytes);
  });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The bare side of ./dev bench --only images.");
  app.require_subcommand(1);
  AddMake(app);
  AddRun(app);
  AddStages(app);
  AddCompare(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench-vips-loop: {}\n", error.what());
    return 1;
  }
  return 0;
}
