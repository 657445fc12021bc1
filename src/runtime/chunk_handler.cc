#include "runtime/chunk_handler.h"

#include <string>
#include <utility>
#include <vector>

#include "ports/blob_store.h"
#include "wire/chunk_codec.h"

namespace runtime {

Handler NewChunkHandler(flow::ChunkProcessor& processor, ports::Recorder& recorder,
                        std::string_view answer_content_type) {
  return [&processor, &recorder, content_type = std::string(answer_content_type)](
             std::string_view event, const InvocationContext&) -> base::Result<HandlerAnswer> {
    UT_TRY_ASSIGN(const std::vector<wire::Record> records, wire::DecodeEvent(event));
    std::vector<ports::Recorder::Handled> handled;
    handled.reserve(records.size());
    auto after = HandlerAnswer::After::kServe;
    for (const wire::Record& record : records) {
      UT_TRY_ASSIGN(ports::Chunk chunk, wire::DecodeChunk(record.body));
      auto answer = processor.Run(chunk);
      if (!answer && answer.error().reason == ports::kSyncFailed) after = HandlerAnswer::After::kEnd;
      handled.push_back({.message_id = record.message_id, .chunk = std::move(chunk), .answer = std::move(answer)});
    }
    UT_TRY_ASSIGN(std::string body, recorder.Respond(std::move(handled)));
    return HandlerAnswer{.body = std::move(body), .content_type = content_type, .after = after};
  };
}

}  // namespace runtime
