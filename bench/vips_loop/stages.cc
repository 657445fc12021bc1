#include "stages.h"

#include <ctime>
#include <utility>

#include "base/hash.h"
#include "files.h"
#include "shrink.h"

namespace bench {

namespace {

// vips_thumbnail has the decoder halve a side while at least twice the wanted size is left: 1280 -> 640 for 256.
constexpr int kDecoderShrink = 2;

// CPU time, of libvips' helper threads too: what other programs take does not count.
double CpuMilliseconds() {
  timespec spent{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) * 1e3 + static_cast<double>(spent.tv_nsec) / 1e6;
}

class Lap {
 public:
  void AddTo(double& sum) {
    const double now = CpuMilliseconds();
    sum += now - std::exchange(last_, now);
  }

 private:
  double last_ = CpuMilliseconds();
};

void DecodeOnly(const std::string& source) {
  VipsBlob* blob = vips_blob_new(nullptr, source.data(), source.size());
  vips::VImage::jpegload_buffer(blob, vips::VImage::option()->set("shrink", kDecoderShrink)).copy_memory();
  vips_area_unref(VIPS_AREA(blob));
}

void MeasureOne(const std::string& file, Stages& sums) {
  Lap lap;
  const std::string source = ReadFile(file);
  lap.AddTo(sums.read);
  (void)base::Sha256Of(source);
  lap.AddTo(sums.hash);
  double decode = 0;
  DecodeOnly(source);
  lap.AddTo(decode);
  double both = 0;
  const vips::VImage small = Thumbnail(source).copy_memory();
  lap.AddTo(both);
  VipsBlob* blob = SaveWebp(small);
  lap.AddTo(sums.encode);
  std::size_t size = 0;
  const auto* data = static_cast<const char*>(vips_blob_get(blob, &size));
  (void)base::Sha256Of({data, size});
  lap.AddTo(sums.hash);
  vips_area_unref(VIPS_AREA(blob));
  sums.decode += decode;
  sums.resize += both - decode;
}

}  // namespace

Stages MeasureStages(const std::vector<std::string>& files) {
  Stages sums;
  for (const std::string& file : files) MeasureOne(file, sums);
  const auto count = static_cast<double>(files.size());
  for (double* sum : {&sums.read, &sums.hash, &sums.decode, &sums.resize, &sums.encode}) *sum /= count;
  return sums;
}

}  // namespace bench
