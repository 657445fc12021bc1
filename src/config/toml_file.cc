#include "config/toml_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "config/settings.h"
#include "config/units.h"
#include "job/types.h"

namespace config {

namespace {

constexpr std::size_t kMaxFileBytes = 1U << 20U;

using Status = base::Status;

std::string Where(const std::string& path, const toml::source_region& source) {
  return fmt::format("{}:{}", path, source.begin.line);
}

// A scalar or a list of strings; anything else is nullopt (tables, dates, mixed lists).
std::optional<Raw> ToRaw(const std::string& path, const toml::node& node) {
  Raw raw{.value = false, .form = Raw::Form::kTyped, .where = Where(path, node.source())};
  if (const auto* text = node.as_string()) {
    raw.value = text->get();
  } else if (const auto* integer = node.as_integer()) {
    raw.value = integer->get();
  } else if (const auto* fraction = node.as_floating_point()) {
    raw.value = fraction->get();
  } else if (const auto* flag = node.as_boolean()) {
    raw.value = flag->get();
  } else if (const auto* array = node.as_array()) {
    std::vector<std::string> list;
    for (const toml::node& element : *array) {
      const auto* item = element.as_string();
      if (item == nullptr) return std::nullopt;
      list.push_back(item->get());
    }
    raw.value = std::move(list);
  } else {
    return std::nullopt;
  }
  return raw;
}

std::string_view KindOf(const toml::node& node) {
  if (node.is_table()) return "a table";
  if (node.is_array()) return "a list of something else";
  return "a date or time";
}

// One table whose keys are `known`: calls read(key, raw) for each; refuses others. `prefix` is the dotted path.
template <typename Read>
Status ReadTable(const std::string& path, std::string_view prefix, const toml::table& table,
                 std::span<const std::string_view> known, Read read) {
  for (const auto& [key, node] : table) {
    const std::string full = fmt::format("{}.{}", prefix, key.str());
    if (std::ranges::find(known, key.str()) == known.end()) {
      return std::unexpected(At(Where(path, key.source()), full, "unknown key" + DidYouMean(key.str(), known)));
    }
    const Status status = read(key.str(), node);
    if (status) continue;
    // A nested reader has said where already.
    if (!status.error().fields.empty()) return status;
    return std::unexpected(At(Where(path, node.source()), full, status.error().message));
  }
  return {};
}

base::Result<Raw> NeedRaw(const std::string& path, const toml::node& node) {
  auto raw = ToRaw(path, node);
  if (!raw) return base::Fail(base::Code::kInvalid, fmt::format("a plain value is expected, not {}", KindOf(node)));
  return std::move(*raw);
}

// The pool sets these itself: a configuration that overrides them would break the processor or leak.
bool ReservedVariable(std::string_view name) {
  return name.empty() || name == "_HANDLER" || name.starts_with("AWS_LAMBDA_") || name.starts_with("LAMBDA_") ||
         name.find_first_of("=\0", 0, 2) != std::string_view::npos;
}

Status ReadEnvironment(const std::string& path, std::string_view prefix, const toml::node& node,
                       std::map<std::string, std::string>& out) {
  const auto* table = node.as_table();
  if (table == nullptr) return base::Fail(base::Code::kInvalid, "a table of strings is expected");
  for (const auto& [key, value] : *table) {
    const std::string full = fmt::format("{}.environment.{}", prefix, key.str());
    const auto* text = value.as_string();
    if (text == nullptr) return std::unexpected(At(Where(path, value.source()), full, "a string is expected"));
    if (ReservedVariable(key.str())) {
      return std::unexpected(At(Where(path, key.source()), full, "this variable is set by the server"));
    }
    out[std::string(key.str())] = text->get();
  }
  return {};
}

Status SetProcessorKey(std::string_view key, const Raw& raw, CustomProcessor& out) {
  if (key == "command") {
    UT_TRY_ASSIGN(out.command, AsList(raw));
    if (out.command.empty() || out.command[0].empty()) {
      return base::Fail(base::Code::kInvalid, "a program and its arguments are expected");
    }
  } else if (key == "handler") {
    UT_TRY_ASSIGN(out.handler, AsText(raw));
  } else if (key == "max_workers") {
    UT_TRY_ASSIGN(const std::int64_t count, AsInteger(raw, 1, 1024));
    out.max_workers = static_cast<int>(count);
  } else if (key == "timeout") {
    UT_TRY_ASSIGN(out.timeout, AsDuration(raw, std::chrono::seconds(1)));
  } else if (key == "memory") {
    UT_TRY_ASSIGN(const std::uint64_t bytes, AsSize(raw));
    if (bytes < (16ULL << 20U)) return base::Fail(base::Code::kInvalid, "at least 16MiB is expected");
    out.memory_mb = bytes >> 20U;
  } else {
    UT_TRY_ASSIGN(out.version, AsText(raw));
    if (out.version.empty()) return base::Fail(base::Code::kInvalid, "a version is expected, not an empty string");
  }
  return {};
}

// Why a custom type may not have this name; "" if it may. Its name is its work class too, so those are taken as well.
std::string RefuseTypeName(std::string_view type) {
  const auto bad = [](char c) { return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'); };
  if (type.empty() || type.size() > job::kMaxTypeBytes || type[0] < 'a' || type[0] > 'z' ||
      std::ranges::any_of(type, bad)) {
    return fmt::format("a type's name is a-z, then a-z, 0-9 or '-', at most {} bytes", job::kMaxTypeBytes);
  }
  if (job::BuiltinTypeOf(type)) return fmt::format("\"{}\" is a built-in type", type);
  if (type == "data" || type == "media") return fmt::format("\"{}\" is the name of a built-in work class", type);
  return {};
}

Status ReadProcessor(const std::string& path, const toml::key& key, const toml::node& node, Config& config) {
  static constexpr std::string_view kKeys[] = {"command", "handler", "environment", "max_workers",
                                               "timeout", "memory",  "version"};
  const std::string prefix = fmt::format("processors.{}", key.str());
  const std::string where = Where(path, key.source());
  if (const std::string why = RefuseTypeName(key.str()); !why.empty()) return std::unexpected(At(where, prefix, why));
  const auto* table = node.as_table();
  if (table == nullptr) return std::unexpected(At(where, prefix, "a table is expected"));
  CustomProcessor processor{.type = std::string(key.str())};
  UT_TRY(ReadTable(path, prefix, *table, kKeys, [&](std::string_view name, const toml::node& value) -> Status {
    if (name == "environment") return ReadEnvironment(path, prefix, value, processor.environment);
    UT_TRY_ASSIGN(const Raw raw, NeedRaw(path, value));
    return SetProcessorKey(name, raw, processor);
  }));
  if (processor.command.empty()) return std::unexpected(At(where, prefix + ".command", "this key is needed"));
  config.processors.push_back(std::move(processor));
  return {};
}

Status SetWebhookKey(std::string_view key, const Raw& raw, Webhook& out) {
  static constexpr std::string_view kEvents[] = {"JobAccepted", "JobCompleted", "JobFailed"};
  if (key == "url") {
    UT_TRY_ASSIGN(out.url, AsText(raw));
    if (!out.url.starts_with("https://") && !out.url.starts_with("http://")) {
      return base::Fail(base::Code::kInvalid, "an http or https URL is expected");
    }
  } else if (key == "secret") {
    UT_TRY_ASSIGN(out.secret, AsText(raw));
    if (out.secret.size() < 16) return base::Fail(base::Code::kInvalid, "at least 16 characters are expected");
  } else {
    UT_TRY_ASSIGN(out.events, AsList(raw));
    for (const std::string& event : out.events) {
      if (std::ranges::find(kEvents, event) != std::end(kEvents)) continue;
      return base::Fail(base::Code::kInvalid,
                        fmt::format("there is no event \"{}\"{}", event, DidYouMean(event, kEvents)));
    }
  }
  return {};
}

Status ReadWebhooks(const std::string& path, const toml::node& node, Config& config) {
  static constexpr std::string_view kKeys[] = {"url", "secret", "events"};
  const auto* array = node.as_array();
  if (array == nullptr) return std::unexpected(At(Where(path, node.source()), "webhooks", "[[webhooks]] is expected"));
  for (const toml::node& element : *array) {
    const std::string prefix = fmt::format("webhooks.{}", config.webhooks.size());
    const std::string where = Where(path, element.source());
    const auto* table = element.as_table();
    if (table == nullptr) return std::unexpected(At(where, prefix, "a table is expected"));
    Webhook webhook;
    UT_TRY(ReadTable(path, prefix, *table, kKeys, [&](std::string_view name, const toml::node& value) -> Status {
      UT_TRY_ASSIGN(const Raw raw, NeedRaw(path, value));
      return SetWebhookKey(name, raw, webhook);
    }));
    if (webhook.url.empty()) return std::unexpected(At(where, prefix + ".url", "this key is needed"));
    if (webhook.secret.empty()) return std::unexpected(At(where, prefix + ".secret", "this key is needed"));
    config.webhooks.push_back(std::move(webhook));
  }
  return {};
}

Status ApplyNode(const std::string& path, const std::string& key, const std::string& where, const toml::node& node,
                 Config& config) {
  auto raw = ToRaw(path, node);
  if (raw) {
    raw->where = where;
    return Apply(key, *raw, config);
  }
  // An unknown key is named as such, whatever stands behind it.
  const auto settings = AllSettings();
  if (std::ranges::find(settings, key, &Setting::key) == settings.end()) {
    return Apply(key, Raw{.value = false, .where = where}, config);
  }
  return std::unexpected(At(where, key, fmt::format("a plain value is expected, not {}", KindOf(node))));
}

Status ApplyTable(const std::string& path, const toml::table& root, Config& config) {
  for (const auto& [key, node] : root) {
    const std::string name(key.str());
    const std::string where = Where(path, key.source());
    if (name == "webhooks") {
      UT_TRY(ReadWebhooks(path, node, config));
    } else if (name == "processors" || name == "limits" || name == "http") {
      const auto* table = node.as_table();
      if (table == nullptr) return std::unexpected(At(where, name, fmt::format("[{}] is expected", name)));
      for (const auto& [inner, value] : *table) {
        if (name == "processors") {
          UT_TRY(ReadProcessor(path, inner, value, config));
        } else {
          UT_TRY(ApplyNode(path, fmt::format("{}.{}", name, inner.str()), Where(path, inner.source()), value, config));
        }
      }
    } else {
      UT_TRY(ApplyNode(path, name, where, node, config));
    }
  }
  return {};
}

base::Result<std::string> ReadWhole(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxFileBytes + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) return base::FailErrno("read " + path, errno == 0 ? EIO : errno);
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxFileBytes) return base::Fail(base::Code::kTooLarge, path + ": over 1 MiB is no configuration");
  return text;
}

}  // namespace

Status ApplyFile(const std::string& path, Config& config) {
  UT_TRY_ASSIGN(const std::string text, ReadWhole(path));
  try {
    const toml::table root = toml::parse(text, path);
    return ApplyTable(path, root, config);
  } catch (const toml::parse_error& error) {
    return base::Fail(base::Code::kInvalid,
                      fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
}

}  // namespace config
