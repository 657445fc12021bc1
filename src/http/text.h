// Small text helpers shared by the server and the client. Pure; ASCII only, no locale.
#pragma once

#include <string_view>

#include "http/message.h"

namespace http {

[[nodiscard]] char LowerAscii(char c);
[[nodiscard]] bool EqualNoCase(std::string_view a, std::string_view b);
[[nodiscard]] std::string_view FindHeader(const Headers& headers, std::string_view name);  // first of that name, or ""

}  // namespace http
