// Fuzzes node sets: what they name is fit to be given to ssh, each once and within bounds, and the
// short form of the names names the same.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "cli/fleet/plan/fleet_bounds.h"
#include "cli/fleet/plan/node_set.h"
#include "engine/base/ensure.h"
#include "engine/base/types.h"

using namespace murder;
using namespace murder::fleet;

namespace {

// A few bytes name 100,000 hosts; longer texts only take longer.
constexpr size_t text_bytes_max = 128;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = as_text_of({data, std::min(size, text_bytes_max)});
  Result<std::vector<std::string>> names = expand_node_set(text);
  if (!names) {
    ENSURE(!names.error().text.empty());
    return 0;
  }
  ENSURE(names->size() <= murder::fleet::limits::hosts_max);
  for (const std::string& name : *names) {
    ENSURE(validate_host_name(name));
  }
  Result<std::vector<std::string>> again = expand_node_set(fold_node_set(*names));
  ENSURE(names->empty() || again);
  std::sort(names->begin(), names->end());
  ENSURE(std::adjacent_find(names->begin(), names->end()) == names->end());
  if (again) {
    std::sort(again->begin(), again->end());
    ENSURE(*again == *names);
  }
  return 0;
}
