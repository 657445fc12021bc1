// Brings libvips up for hostile bytes.
#pragma once

namespace processors {

// Everything that opens files happens here, and no thread starts. Afterwards JPEG, PNG, WebP and GIF are read from
// memory and JPEG, PNG and WebP written to memory; every other loader and saver is blocked, operations are not cached,
// each runs on one thread, the process's heap keeps up to
// 64 MB of freed memory, and GLib logs nothing but what it dies of. Not thread-safe; more than once does no harm.
// Ends the process with a line on standard error if libvips cannot start: nothing works without it.
void StartVips();

}  // namespace processors
