// The reducer "playlist": an index of a job's audio and video with durations and posters, in the order of the manifest;
// the first kMaxPlaylistItems of them by name, all of them in the sums.
//
// Parameters: {"title"?: at most 200 bytes, default the job's id}. Videos and audio get the operation poster (of audio:
// its cover, else its waveform).
// Render: {"items","listed","durationMs"}. Finish, when there was any audio or video: playlist.json
// ({"jobId","title","items","omitted","durationMs","entries":[{"position","toonId","type","container","durationMs",
// "title"?,"artist"?,"width"?,"height"?,"poster"?:{"name","sha256","contentType"}}]}), playlist.m3u8 (extended M3U,
// UTF-8; an entry's path is its toon id), and playlist.webp: the posters on one sheet with their durations.
#pragma once

#include <memory>

#include "ports/reducer.h"

namespace reducers {

inline constexpr std::size_t kMaxPlaylistItems = 300;  // at most 700 bytes each: the partial stays below its limit

[[nodiscard]] std::unique_ptr<ports::Reducer> NewPlaylist();

}  // namespace reducers
