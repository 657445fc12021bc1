// How a server shares out the file descriptors that the process may open (base/descriptors.h), so that connections
// never take the ones that the store, the workers and the log need.
#pragma once

#include <cstddef>

#include "http/server.h"

namespace http {

// Lowers max_connections and max_transfer_bytes to what `descriptors` allow. Kept back are: a quarter of them, at least
// 512 and at most 2048, for the store and the log; `others`, which the caller knows of (workers, other servers); and
// the connections that are told that there is no room. All that is at most three quarters. Of the rest at most a third
// goes to transfers, each of which opens a file beside its connection.
void FitDescriptors(std::size_t descriptors, std::size_t others, ServerOptions& options);

}  // namespace http
