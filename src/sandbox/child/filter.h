// The system calls that decoding needs; libseccomp.
#pragma once

#include <string>

namespace sandbox {

// From now on, in every thread: calls of a decoder at work are allowed, what would touch another process, the network
// or a new program kills this one (SIGSYS), everything else answers EPERM. Empty, or why the system refuses the filter.
[[nodiscard]] std::string InstallFilter();

}  // namespace sandbox
