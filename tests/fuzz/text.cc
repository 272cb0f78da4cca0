// Fuzzes what people write: sizes, rates, durations, addresses. The first byte chooses.

#include <string_view>

#include "engine/base/endpoint.h"
#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/base/units.h"

using namespace murder;

namespace {

void check_endpoint(std::string_view text) {
  if (const std::optional<IpAddress> address = IpAddress::parse(text)) {
    ENSURE(IpAddress::parse(address->text()) == address);
  }
  if (const std::optional<Endpoint> endpoint = Endpoint::parse(text)) {
    ENSURE(Endpoint::parse(endpoint->text()) == endpoint);
  }
  if (const std::optional<HostPort> place = HostPort::parse(text, 1)) {
    ENSURE(HostPort::parse(place->text(), 2) == place);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text = as_text_of({data + 1, size - 1});
  switch (data[0] % 4) {
    case 0:
      if (const Result<uint64_t> bytes = parse_size(text)) {
        ENSURE(!format_size(*bytes).empty());
      }
      break;
    case 1:
      if (const Result<uint64_t> rate = parse_rate(text)) {
        ENSURE(!format_rate(static_cast<double>(*rate)).empty());
      }
      break;
    case 2:
      if (const Result<Duration> duration = parse_duration(text)) {
        ENSURE(*duration >= Duration::zero() && !format_duration(*duration).empty());
      }
      break;
    default:
      check_endpoint(text);
      break;
  }
  return 0;
}
