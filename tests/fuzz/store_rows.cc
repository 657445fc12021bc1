// Values of a damaged database: every decoder of store/rows.h; what decodes has one form. The first byte picks the row.
#include "fuzz/fuzz.h"
#include "store/rows.h"

namespace {

template <typename Decoded, typename Encode>
void Check(std::string_view bytes, const Decoded& decoded, Encode encode) {
  if (decoded) {
    fuzz::Require(encode(*decoded) == bytes, "a row has one form");
  } else {
    fuzz::Require(decoded.error().code == base::Code::kCorrupt, "a bad row is corrupt, nothing else");
  }
}

void CheckRow(unsigned kind, std::string_view bytes) {
  switch (kind) {
    case 0:
      return Check(bytes, store::DecodeSpec(bytes), store::EncodeSpec);
    case 1:
      return Check(bytes, store::DecodeState(bytes), store::EncodeState);
    case 2:
      return Check(bytes, store::DecodeSegments(bytes), store::EncodeSegments);
    case 3:
      return Check(bytes, store::DecodeNote(7, bytes), store::EncodeNote);
    case 4:
      return Check(bytes, store::DecodeUpload(job::TenantId("t"), {}, bytes), store::EncodeUpload);
    case 5:
      return Check(bytes, store::DecodeArtifact({}, bytes), store::EncodeArtifact);
    case 6:
      return Check(bytes, store::DecodeEvent("id", bytes), store::EncodeEvent);
    case 7:
      return Check(bytes, store::DecodePlace(bytes), store::EncodePlace);
    case 8:
      return Check(bytes, store::DecodeQuarantined({}, bytes), store::EncodeQuarantined);
    case 9:
      return Check(bytes, store::DecodeCounts(bytes), store::EncodeCounts);
    case 10:
      return Check(bytes, store::DecodeNumber(bytes, "number"), store::EncodeNumber);
    default:
      return Check(bytes, store::DecodeOutcomeRow(7, bytes),
                   [](const ports::OutcomeRow& row) { return store::OutcomeFlags(row) + row.row; });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes = fuzz::Text(data + 1, size - 1);
  CheckRow(data[0] % 12, bytes);
  const std::string after = store::AfterPrefix(std::string(bytes));
  fuzz::Require(after.empty() || after > bytes, "the key after a prefix is greater");
  return 0;
}
