#include "cli/shell.h"

namespace cli {

void WriteJson(Stream& out, std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  out.Write(out.tty() ? PrintableJson(text) : std::string(text));
  out.Write("\n");
}

}  // namespace cli
