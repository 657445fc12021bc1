// The blob stores that the contract suite runs over; each program that is built of it names its own.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "ports/blob_store.h"

namespace contract {

struct BlobParam {
  const char* name;
  // A store that is empty; dir: an empty folder, removed after the test.
  std::unique_ptr<ports::BlobStore> (*open)(const std::string& dir);
};
inline void PrintTo(const BlobParam& param, std::ostream* out) {
  *out << param.name;
}
[[nodiscard]] const std::vector<BlobParam>& BlobParams();

}  // namespace contract
