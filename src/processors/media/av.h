// Owners of libav's objects, and what its error numbers mean for a toon. libav allocates by itself: a failure of that
// is std::bad_alloc here, which the executor turns into "memory-limit".
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <new>
#include <string_view>

#include "processors/failure.h"

namespace processors::media {

struct AvFree {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
  void operator()(SwrContext* resampler) const { swr_free(&resampler); }
  void operator()(AVIOContext* io) const {
    av_freep(&io->buffer);
    avio_context_free(&io);
  }
};
template <typename T>
using AvPtr = std::unique_ptr<T, AvFree>;

// `made`, owned; std::bad_alloc for nullptr.
template <typename T>
[[nodiscard]] AvPtr<T> Own(T* made) {
  if (made == nullptr) throw std::bad_alloc();
  return AvPtr<T>(made);
}
[[nodiscard]] inline AvPtr<AVFrame> NewFrame() {
  return Own(av_frame_alloc());
}
[[nodiscard]] inline AvPtr<AVPacket> NewPacket() {
  return Own(av_packet_alloc());
}

// "invalid-media" with `what` ("the mp4 container cannot be read") and libav's own few words, which never quote the
// input; as RefuseMemory for ENOMEM.
[[nodiscard]] std::unexpected<ports::ProcessorFailure> RefuseAv(std::string_view what, int error);
// "memory-limit" of Blame::kLethal, as if the executor had died of it.
[[nodiscard]] std::unexpected<ports::ProcessorFailure> RefuseMemory();

// Silences libav's log and caps its allocations, for the whole process.
void SetUpLibav();

// One of libav's allocations may have so many bytes: a sample table that claims billions of entries fails at once.
inline constexpr std::size_t kMaxAllocation = 256ULL << 20U;

// Whether libav refused a stream for their number since the last call. Its error alone reads as lack of memory.
[[nodiscard]] bool TakeTooManyStreams();

}  // namespace processors::media
