// What a sanitizer found in a child. In a build without one there is nothing to find.
#pragma once

#include <string_view>

namespace sandbox {

// If `said`, a child's last words, hold a report of a sanitizer: adds them to this program's own report (log_path in
// its options; standard error without). A child cannot: it may not open a file. Its end alone would look like any
// other.
void PassOnFinding(std::string_view said);

}  // namespace sandbox
