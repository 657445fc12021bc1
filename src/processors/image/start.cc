#include "processors/image/start.h"

#include <malloc.h>
#include <vips/vips.h>

#include <cstdlib>

#include "base/log.h"
#include "processors/image/orc_cache.h"

namespace processors {

namespace {

constexpr const char* kAllowed[] = {
    "VipsForeignLoadJpegBuffer", "VipsForeignLoadPngBuffer", "VipsForeignLoadWebpBuffer", "VipsForeignLoadNsgifBuffer",
    "VipsForeignSaveJpegBuffer", "VipsForeignSavePngBuffer", "VipsForeignSaveWebpBuffer"};

// libvips takes and gives back megabytes for each image, by a worker thread of its own. One arena that keeps what it
// has saves some 75 page faults an image, 3 % of its time, and the 128 MB of address space that each further one
// reserves.
void KeepMemory() {
  constexpr int kKeptBytes = 64 << 20;  // free memory above it goes back to the system
  constexpr int kMmapBytes = 32 << 20;  // the largest that glibc takes; bigger blocks come and go alone
  constexpr int kGrowthBytes = 4 << 20;
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TRIM_THRESHOLD, kKeptBytes);
  mallopt(M_MMAP_THRESHOLD, kMmapBytes);
  mallopt(M_TOP_PAD, kGrowthBytes);
}

// What libvips and GLib say about a file may quote it, and standard error may be nowhere. Their last words stay.
void LogFatalOnly(const gchar* domain, GLogLevelFlags level, const gchar* message, gpointer user_data) {
  if ((level & (G_LOG_FLAG_FATAL | G_LOG_LEVEL_ERROR)) != 0) g_log_default_handler(domain, level, message, user_data);
}

}  // namespace

void StartVips() {
  KeepMemory();
  // libvips looks for plug-ins (ImageMagick, poppler, OpenSlide, HEIF, JPEG XL) below this folder. None is wanted, and
  // loading them takes twenty times as long as all the rest.
  ::setenv("VIPSHOME", "/nonexistent", 1);
  StartOrcCache();
  g_log_set_default_handler(LogFatalOnly, nullptr);
  if (VIPS_INIT("ubertoons") != 0) {
    base::LogError("vips-start-failed", {{"reason", vips_error_buffer()}});
    std::abort();
  }
  vips_concurrency_set(1);
  vips_cache_set_max(0);
  vips_operation_block_set("VipsForeignLoad", TRUE);
  vips_operation_block_set("VipsForeignSave", TRUE);
  for (const char* name : kAllowed) vips_operation_block_set(name, FALSE);
}

}  // namespace processors
