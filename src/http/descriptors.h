// File descriptors: how many the process may open, and how a server shares them out, so that connections never take the
// ones that the store, the workers' pipes and the log need.
#pragma once

#include <cstddef>

#include "http/server.h"

namespace http {

// Raises the process's soft limit to its hard one; answers what holds now.
[[nodiscard]] std::size_t RaiseDescriptorLimit();

// Lowers max_connections and max_transfer_bytes to what `descriptors` allow: a quarter of them, at most 2048, is kept
// for the rest of the process, and at most a quarter goes to transfers, each of which opens a file beside its
// connection.
void FitDescriptors(std::size_t descriptors, ServerOptions& options);

}  // namespace http
