// Items as DynamoDB writes them in JSON: {"name":{"S":"text"}}. Pure; thread-safe.
#pragma once

#include <string>

#include "aws/dynamodb.h"
#include "wire/strict_json.h"

namespace aws {

void AppendItem(std::string& out, const Item& item);
// kCorrupt: a value of no known kind, a number set or a binary set (which we do not write).
[[nodiscard]] base::Result<Item> ReadItem(const wire::Object& object);

}  // namespace aws
