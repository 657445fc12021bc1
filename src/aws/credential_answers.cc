#include "aws/credential_answers.h"

#include <fmt/format.h>

#include <pugixml.hpp>
#include <string>

#include "wire/json_reader.h"

namespace aws {

namespace {

base::Result<Credentials> Checked(Credentials credentials, std::string_view expiration) {
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    return base::Fail(base::Code::kUnavailable, "The answer holds no credentials");
  }
  if (expiration.empty()) return credentials;
  const auto at = base::ParseTime(expiration);
  if (!at) return base::Fail(base::Code::kUnavailable, "The credentials' expiration is not a time");
  credentials.expires_at = *at;
  return credentials;
}

}  // namespace

base::Result<Credentials> CredentialsOfJson(std::string_view text) {
  wire::StrictParser parser;
  const auto root = parser.Parse(text);
  wire::Object object;
  if (!root || root->get(object) != simdjson::SUCCESS) {
    return base::Fail(base::Code::kUnavailable, "The answer is not a JSON object");
  }
  wire::FieldErrors errors;
  wire::ObjectReader reader(object, "", errors);
  Credentials credentials{.access_key_id = std::string(reader.OptionalString("AccessKeyId").value_or("")),
                          .secret_access_key = std::string(reader.OptionalString("SecretAccessKey").value_or("")),
                          .session_token = std::string(reader.OptionalString("Token").value_or(""))};
  return Checked(std::move(credentials), reader.OptionalString("Expiration").value_or(""));
}

base::Result<Credentials> CredentialsOfSts(std::string_view text) {
  pugi::xml_document document;
  if (!document.load_buffer(text.data(), text.size())) {
    return base::Fail(base::Code::kUnavailable, "The answer of STS is not XML");
  }
  const pugi::xml_node node = document.first_child().first_child().child("Credentials");
  Credentials credentials{.access_key_id = node.child_value("AccessKeyId"),
                          .secret_access_key = node.child_value("SecretAccessKey"),
                          .session_token = node.child_value("SessionToken")};
  return Checked(std::move(credentials), node.child_value("Expiration"));
}

}  // namespace aws
