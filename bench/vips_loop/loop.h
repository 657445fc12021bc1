// The bare limit: N processes, each reads a file, shrinks it, encodes it, hashes source and output, writes the output
// to a file. No queue, no isolation, no sync, no result kept but the hashes.
#pragma once

#include <string>
#include <vector>

namespace bench {

struct LoopOptions {
  std::vector<std::string> files;       // each is done once, by whichever process is free
  std::vector<std::string> warm_files;  // done by every process before the clock starts; may be empty
  std::string out_folder;               // gets NAME.webp for every NAME.jpg, and hashes-K.tsv of process K
  int processes = 2;
};

// Seconds from the moment when every process is warm and told to start until the last one has written its last output.
// Call it before libvips is initialised in this process. Throws std::runtime_error.
double RunLoop(const LoopOptions& options);

}  // namespace bench
