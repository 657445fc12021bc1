// ubertoons: the server (`serve`), its machine's check (`doctor`), its data's (`check`, `backup`, `restore`) and the
// command line client (everything else).
#include <CLI/CLI.hpp>

#include "backup.h"
#include "base/clock.h"
#include "base/random.h"
#include "check.h"
#include "cli/cli.h"
#include "doctor.h"
#include "serve.h"

int main(int argc, char** argv) {
  const base::SystemClock clock;
  base::SystemRandom random;
  cli::Environment environment = cli::ProcessEnvironment(clock, random);
  CLI::App app{"Ubertoons: a million toons in parallel, each one recorded once.", "ubertoons"};
  app.set_version_flag("--version", std::string("ubertoons " UBERTOONS_VERSION));
  config::Flags flags;
  AddServe(app, flags,
           [&] { environment.action = [&] { return Serve(flags, environment.variables, clock, random); }; });
  DoctorOptions doctor;
  AddDoctor(app, flags, doctor,
            [&] { environment.action = [&] { return Doctor(flags, environment.variables, doctor); }; });
  CheckFlags check;
  AddCheck(app, check, [&] { environment.action = [&] { return Check(check, clock); }; });
  BackupFlags backup;
  AddBackup(app, backup, [&] { environment.action = [&] { return MakeBackup(backup, clock); }; });
  RestoreFlags restore;
  AddRestore(app, restore, [&] { environment.action = [&] { return Restore(restore); }; });
  cli::AddCommands(app, environment);
  return cli::Run(app, environment, argc, argv);
}
