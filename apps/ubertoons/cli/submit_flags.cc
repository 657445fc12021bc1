#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "cli/json_read.h"
#include "cli/submit.h"

namespace cli {
namespace {

// The member of that name; added with `initial` if absent.
std::string& MemberOf(Members& members, std::string_view key, std::string_view initial) {
  const auto found = std::ranges::find_if(members, [&](const auto& member) { return member.first == key; });
  if (found != members.end()) return found->second;
  return members.emplace_back(std::string(key), std::string(initial)).second;
}

void Set(Members& members, std::string_view key, std::string value) {
  MemberOf(members, key, {}) = std::move(value);
}

std::string RenderArray(const std::vector<std::string>& elements) {
  return fmt::format("[{}]", fmt::join(elements, ","));
}

Try<std::vector<std::string>> ElementsOf(std::string_view array, std::string_view what) {
  const auto raws = RawElements(array);
  if (!raws) return FailUsage(fmt::format("the document's {} is not a list", what));
  return std::vector<std::string>(raws->begin(), raws->end());
}

Try<Members> MembersOf(std::string_view object, std::string_view what) {
  const auto raws = RawMembers(object);
  if (!raws) return FailUsage(fmt::format("the document's {} is not an object", what));
  Members members;
  for (const RawMember& raw : *raws) members.emplace_back(raw.key, std::string(raw.value));
  return members;
}

Try<void> ApplyOperations(const std::vector<std::string>& flags, Members& envelope) {
  if (flags.empty()) return {};
  std::string& whole = MemberOf(envelope, "operations", "{}");
  UT_TRY_ASSIGN(Members by_type, MembersOf(whole, "operations"));
  for (const std::string& flag : flags) {
    UT_TRY_ASSIGN(OperationFlag operation, ParseOperation(flag));
    std::string& list = MemberOf(by_type, operation.type, "[]");
    UT_TRY_ASSIGN(std::vector<std::string> steps, ElementsOf(list, "operations/" + operation.type));
    steps.push_back(std::move(operation.json));
    list = RenderArray(steps);
  }
  whole = RenderEnvelope(by_type, {});
  return {};
}

Try<void> ApplyReducers(const std::vector<std::string>& flags, Members& envelope) {
  if (flags.empty()) return {};
  std::string& whole = MemberOf(envelope, "reducers", "[]");
  UT_TRY_ASSIGN(std::vector<std::string> reducers, ElementsOf(whole, "reducers"));
  for (const std::string& flag : flags) {
    UT_TRY_ASSIGN(std::string reducer, ParseReducer(flag));
    reducers.push_back(std::move(reducer));
  }
  whole = RenderArray(reducers);
  return {};
}

Try<void> ApplyMetadata(const std::vector<std::string>& flags, Members& envelope) {
  if (flags.empty()) return {};
  std::string& whole = MemberOf(envelope, "metadata", "{}");
  UT_TRY_ASSIGN(Members metadata, MembersOf(whole, "metadata"));
  for (const std::string& flag : flags) {
    const std::size_t equals = flag.find('=');
    if (equals == std::string::npos || equals == 0) return FailUsage(fmt::format("--metadata {}: not KEY=VALUE", flag));
    Set(metadata, flag.substr(0, equals), Quoted(flag.substr(equals + 1)));
  }
  whole = RenderEnvelope(metadata, {});
  return {};
}

}  // namespace

Try<Members> ParseParameters(std::string_view text, std::string_view flag) {
  Members members;
  if (text.starts_with('{')) {
    const auto raws = JsonFault(text) ? std::nullopt : RawMembers(text);
    if (!raws) return FailUsage(fmt::format("{}: its parameters are not a JSON object", flag));
    for (const RawMember& raw : *raws) members.emplace_back(raw.key, std::string(raw.value));
    return members;
  }
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view pair = text.substr(0, comma);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return FailUsage(fmt::format("{}: \"{}\" is not KEY=VALUE", flag, pair));
    }
    const std::string_view value = pair.substr(equals + 1);
    members.emplace_back(std::string(pair.substr(0, equals)), JsonFault(value) ? Quoted(value) : std::string(value));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return members;
}

Try<OperationFlag> ParseOperation(std::string_view text) {
  const std::string flag = fmt::format("--op {}", text);
  const std::size_t first = text.find(':');
  if (first == std::string_view::npos || first == 0) return FailUsage(flag + ": not TYPE:NAME[:KEY=VALUE,…]");
  const std::string_view rest = text.substr(first + 1);
  const std::size_t second = rest.find(':');
  const std::string_view name = rest.substr(0, second);
  if (name.empty()) return FailUsage(flag + ": not TYPE:NAME[:KEY=VALUE,…]");
  const std::string_view given = second == std::string_view::npos ? std::string_view{} : rest.substr(second + 1);
  UT_TRY_ASSIGN(Members parameters, ParseParameters(given, flag));
  parameters.insert(parameters.begin(), {"op", Quoted(name)});
  return OperationFlag{std::string(text.substr(0, first)), RenderEnvelope(parameters, {})};
}

Try<std::string> ParseReducer(std::string_view text) {
  const std::string flag = fmt::format("--reduce {}", text);
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  if (name.empty()) return FailUsage(flag + ": not NAME[:KEY=VALUE,…]");
  if (colon == std::string_view::npos) return Quoted(name);
  UT_TRY_ASSIGN(Members parameters, ParseParameters(text.substr(colon + 1), flag));
  parameters.insert(parameters.begin(), {"name", Quoted(name)});
  return RenderEnvelope(parameters, {});
}

Try<std::string> ParseTolerance(std::string_view text) {
  const bool percent = text.ends_with('%');
  const std::string_view digits = percent ? text.substr(0, text.size() - 1) : text;
  const char* const end = digits.data() + digits.size();
  if (percent) {
    double value = 0;
    const auto [at, ec] = std::from_chars(digits.data(), end, value);
    if (ec == std::errc() && at == end && std::isfinite(value) && value >= 0 && value <= 100) {
      return fmt::format(R"({{"failedPercent":{}}})", value);
    }
  } else {
    std::uint64_t value = 0;
    const auto [at, ec] = std::from_chars(digits.data(), end, value);
    if (ec == std::errc() && at == end) return fmt::format(R"({{"failedCount":{}}})", value);
  }
  return FailUsage(fmt::format("--tolerance {}: neither a percentage (5%) nor a count (3)", text));
}

Try<void> ApplyFlags(const SubmitOptions& options, Members& envelope) {
  if (!options.job_id.empty()) Set(envelope, "jobId", Quoted(options.job_id));
  UT_TRY(ApplyOperations(options.operations, envelope));
  UT_TRY(ApplyReducers(options.reducers, envelope));
  UT_TRY(ApplyMetadata(options.metadata, envelope));
  if (options.priority) Set(envelope, "priority", std::to_string(*options.priority));
  if (options.per_toon) Set(envelope, "chunking", "\"per-toon\"");
  if (options.reuse) Set(envelope, "reuse", *options.reuse ? "true" : "false");
  if (options.tolerance.empty()) return {};
  UT_TRY_ASSIGN(std::string tolerance, ParseTolerance(options.tolerance));
  Set(envelope, "tolerance", std::move(tolerance));
  return {};
}

std::string RenderEnvelope(const Members& envelope, std::string_view last_member) {
  std::string body = "{";
  for (const auto& [key, value] : envelope) {
    if (body.size() > 1) body += ',';
    body += Quoted(key) + ":" + value;
  }
  if (!last_member.empty() && body.size() > 1) body += ',';
  body += last_member;
  return body + "}";
}

}  // namespace cli
