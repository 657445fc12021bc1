// Blobs as files: the key is the path below one folder. Several processes (the server and its workers) share the
// folder.
//
//   DIR/t/<tenant>/c/<aa>/<sha256>   DIR/t/<tenant>/m/<unique>.ndjson   DIR/tmp/<random>: being written
//
// A blob is written to tmp, its data synced, renamed to its key, and the folders that gained an entry are synced; only
// then does a call answer OK. A file in tmp is locked (flock) by its writer, so that opening the store removes what a
// crash left behind and nothing else. A folder is locked, shared, while a blob in it gets its name or a new time, and
// alone while RemoveUnlessWritten compares the time and removes the name. Once the sync of a folder has failed, every
// later write fails with kUnavailable until the folder is opened anew: the kernel reports such an error once, and a
// second try would answer OK for data that is lost.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "ports/blob_store.h"

namespace local {

// Creates dir if it is absent. kUnavailable with the path. A key that ports::ContentKey or ManifestKey did not make is
// kInternal in every call. Writers may outlive the store.
[[nodiscard]] base::Result<std::unique_ptr<ports::BlobStore>> OpenFileBlobs(const std::string& dir);
// For reads alone, of a folder that may be read-only or absent: nothing is created or removed.
[[nodiscard]] std::unique_ptr<ports::BlobStore> ReadFileBlobs(const std::string& dir);

}  // namespace local
