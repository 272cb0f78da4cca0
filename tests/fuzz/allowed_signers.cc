// Fuzzes files of allowed signers: what is accepted stays within its bounds, and a signer is found
// in a line that names his key.

#include <cstdint>
#include <string>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/trust/allowed_signers.h"
#include "engine/trust/bounds.h"
#include "engine/trust/pattern.h"

using namespace murder;
using namespace murder::trust;

namespace {

int64_t utc(const CivilTime& time) {
  return seconds_of_utc(time);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<AllowedSigners> allowed = parse_allowed_signers(as_text_of({data, size}), utc);
  if (!allowed) {
    return 0;
  }
  ENSURE(allowed->signers.size() + allowed->faults.size() <= limits::allowed_signers_max);
  ENSURE(allowed->required >= 1 && allowed->required <= 9);
  for (const AllowedSigner& signer : allowed->signers) {
    ENSURE(!signer.valid_after_s || !signer.valid_before_s ||
           *signer.valid_after_s < *signer.valid_before_s);
    for (const int64_t now_s : {int64_t{0}, int64_t{1'800'000'000}}) {
      const Result<FoundSigner> found =
          find_signer(*allowed, signer.key, {.name_space = "murder-release", .now_s = now_s});
      if (found) {
        ENSURE(found->signer->key == signer.key && !found->signer->is_authority);
        ENSURE(matches_pattern_list(found->principal, found->signer->principals));
      }
    }
  }
  return 0;
}
