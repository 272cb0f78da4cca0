// Fuzzes the output of a process that reaches many hosts: what is found does not depend on how it
// arrived, and is bounded. The first byte says in what parts; a byte 0 is between output and log.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "cli/fleet/reach/labelled_output.h"
#include "engine/base/ensure.h"
#include "engine/base/types.h"

using namespace murder;
using namespace murder::fleet;

namespace {

const std::array<std::string, 3> addresses = {"w1", "w2", "fe80::1"};
constexpr size_t output_bytes_max = 100;
constexpr size_t log_bytes_max = 50;
// Each line can name 100,000 hosts; longer texts only take longer.
constexpr size_t text_bytes_max = 256;

LabelledOutput read(std::string_view text, size_t part_bytes) {
  LabelledOutput output(addresses, output_bytes_max, log_bytes_max);
  bool is_log = false;
  while (!text.empty()) {
    const std::string_view stretch = text.substr(0, text.find('\0'));
    for (size_t at = 0; at < stretch.size(); at += part_bytes) {
      const std::string_view part = stretch.substr(at, part_bytes);
      if (is_log) {
        output.take_log(part);
      } else {
        output.take_output(part);
      }
    }
    text.remove_prefix(std::min(stretch.size() + 1, text.size()));
    is_log = !is_log;
  }
  output.finish();
  return output;
}

void check_same(Tail& left, Tail& right, size_t bytes_max) {
  ENSURE(left.is_cut() == right.is_cut());
  const std::string text = left.take();
  ENSURE(text.size() <= bytes_max && text == right.take());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text = as_text_of({data + 1, std::min(size - 1, text_bytes_max)});
  LabelledOutput whole = read(text, text_bytes_max);
  LabelledOutput parts = read(text, 1 + data[0] % 16);
  for (size_t index = 0; index < addresses.size(); ++index) {
    LabelledOutput::Part& left = whole.part(index);
    LabelledOutput::Part& right = parts.part(index);
    ENSURE(left.exit_code == right.exit_code && left.is_timed_out == right.is_timed_out);
    check_same(left.output, right.output, output_bytes_max);
    check_same(left.log, right.log, log_bytes_max);
  }
  check_same(whole.own_log(), parts.own_log(), log_bytes_max);
  return 0;
}
