#include "processors/image/start.h"

#include <vips/vips.h>

#include <cstdlib>

#include "base/log.h"

namespace processors {

namespace {

constexpr const char* kAllowed[] = {
    "VipsForeignLoadJpegBuffer", "VipsForeignLoadPngBuffer", "VipsForeignLoadWebpBuffer", "VipsForeignLoadNsgifBuffer",
    "VipsForeignSaveJpegBuffer", "VipsForeignSavePngBuffer", "VipsForeignSaveWebpBuffer"};

// What libvips and GLib say about a file may quote it, and standard error may be nowhere. Their last words stay.
void LogFatalOnly(const gchar* domain, GLogLevelFlags level, const gchar* message, gpointer user_data) {
  if ((level & (G_LOG_FLAG_FATAL | G_LOG_LEVEL_ERROR)) != 0) g_log_default_handler(domain, level, message, user_data);
}

}  // namespace

void StartVips() {
  // libvips looks for plug-ins (ImageMagick, poppler, OpenSlide, HEIF, JPEG XL) below this folder. None is wanted, and
  // loading them takes twenty times as long as all the rest.
  ::setenv("VIPSHOME", "/nonexistent", 1);
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
