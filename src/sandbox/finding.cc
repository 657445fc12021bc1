#include "sandbox/finding.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <unistd.h>

#include "sandbox/fd.h"

namespace sandbox {

void PassOnFinding(std::string_view said) {
  if (!said.contains("Sanitizer") && !said.contains("runtime error:")) return;
  const char* path = ::__sanitizer_get_report_path();
  const Fd file(path != nullptr ? ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1);
  (void)!::write(file.ok() ? file.get() : STDERR_FILENO, said.data(), said.size());
}

}  // namespace sandbox

#else

namespace sandbox {
void PassOnFinding(std::string_view) {}
}  // namespace sandbox

#endif
