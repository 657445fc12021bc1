// Custom processors: any Lambda runtime that takes one toon a record and answers outcomes. They know neither our files
// nor our queues; this turns chunks into self-contained records and their answers into ours.
// docs/formats/custom-processor.md
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "ports/blob_store.h"
#include "ports/reducer.h"
#include "ports/work.h"

namespace flow {

// URLs that a custom processor may use without a token, for as long as its chunk may run.
struct BlobUrls {
  std::function<std::string(const job::TenantId&, const base::Sha256&)> get;
  std::function<std::string(const job::TenantId&)> put;  // answers {"sha256","bytes"}
};

class CustomWork {
 public:
  // `versions` of the processors, for reuse keys. All outlive this. Thread-safe.
  CustomWork(ports::BlobStore& blobs, const ports::ReducerRegistry& reducers, const base::Clock& clock,
             base::Random& random, BlobUrls urls, std::map<job::ToonType, std::string, std::less<>> versions)
      : blobs_(blobs),
        reducers_(reducers),
        clock_(clock),
        random_(random),
        urls_(std::move(urls)),
        versions_(std::move(versions)) {}
  // The record's body for a chunk of one toon. Bytes over kMaxInlineBytes go by URL.
  [[nodiscard]] base::Result<std::string> Encode(const ports::Chunk& chunk);
  // What the processor's answer means. Artifacts are durable when it returns. kInvalid: it answered something else.
  [[nodiscard]] base::Result<ports::ChunkAnswer> Decode(const ports::Chunk& chunk, std::chrono::microseconds taken,
                                                        std::string_view body);

  static constexpr std::size_t kMaxInlineBytes = 4U << 20U;  // base64 of it still fits Lambda's 6 MB payload

 private:
  ports::BlobStore& blobs_;
  const ports::ReducerRegistry& reducers_;
  const base::Clock& clock_;
  base::Random& random_;
  BlobUrls urls_;
  std::map<job::ToonType, std::string, std::less<>> versions_;
};

}  // namespace flow
