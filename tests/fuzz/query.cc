// Query parameters: ParseQuery and ParameterReader as the routes of lists use them.
#include <set>

#include "api/parameters.h"
#include "fuzz/fuzz.h"
#include "http/message.h"
#include "job/limits.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view query = fuzz::Text(data, size);
  const auto encoded = http::PercentEncode(query);
  fuzz::Require(http::PercentDecode(encoded) == query, "percent encoding is undone by decoding");

  const auto parameters = http::ParseQuery(query);
  if (!parameters) return 0;
  std::string again;
  for (const auto& [name, value] : *parameters) {
    again += http::PercentEncode(name) + "=" + http::PercentEncode(value) + "&";
  }
  // A name may be empty, as in "=x"; a pair that is empty altogether is passed over.
  fuzz::Require(http::ParseQuery(again) == parameters, "parameters written again are the same ones");

  api::ParameterReader reader(*parameters, {"status", "state", "pageSize", "cursor"});
  const std::size_t page = reader.PageSize(50, 1000);
  fuzz::Require(page >= 1 && page <= 1000, "a page stays within its limit");
  (void)reader.Status();
  (void)reader.State();
  (void)reader.Text("cursor");
  const auto good = reader.Finish();
  if (good) {
    for (const auto& [name, value] : *parameters) {
      fuzz::Require(name == "status" || name == "state" || name == "pageSize" || name == "cursor", "names are known");
    }
    return 0;
  }
  fuzz::Require(good.error().fields.size() <= job::kMaxFieldErrors + 3, "errors are bounded");
  std::set<std::string> names;
  for (const auto& [name, value] : *parameters) names.insert("/" + base::PointerToken(name));
  for (const auto& field : good.error().fields) fuzz::Require(names.contains(field.pointer), "errors name parameters");
  return 0;
}
