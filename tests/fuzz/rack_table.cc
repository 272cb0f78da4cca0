// Fuzzes the tracker's table of networks: it finds for every address what its narrowest network
// says, whatever the order of the lines.

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "tracker/rack_table.h"

using namespace murder;
using namespace murder::tracker;

namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    lines.push_back(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(lines.back().size() + 1, text.size()));
  }
  return lines;
}

// The address that a line begins with, its neighbours, and some that belong to nobody.
std::vector<IpAddress> probes_of(const std::vector<std::string_view>& lines) {
  std::vector<IpAddress> probes = {*IpAddress::parse("0.0.0.0"), *IpAddress::parse("10.1.2.3"),
                                   *IpAddress::parse("::"), *IpAddress::parse("2001:db8::1")};
  for (std::string_view line : lines) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (std::optional<IpAddress> address =
            IpAddress::parse(line.substr(0, line.find_first_of("/ \t\r#")))) {
      probes.push_back(*address);
      address->bytes[15] ^= 1U;
      probes.push_back(*address);
      address->bytes[12] ^= 0x80U;
      probes.push_back(*address);
    }
  }
  return probes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = as_text_of({data, size});
  const Result<RackTable> table = RackTable::parse(text, "racks");
  if (!table) {
    ENSURE(table.error().text.starts_with("racks:"));
    return 0;
  }
  std::vector<std::string_view> lines =
      lines_of(text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text);
  ENSURE(table->network_count() <= lines.size());
  std::string reversed;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    reversed += *line;
    reversed += '\n';
  }
  const Result<RackTable> other = RackTable::parse(reversed, "racks");
  // A line that now comes first may begin with the mark that is left out there.
  if (!other || reversed.starts_with("\xEF\xBB\xBF")) {
    ENSURE(reversed.starts_with("\xEF\xBB\xBF"));
    return 0;
  }
  ENSURE(other->network_count() == table->network_count());
  for (const IpAddress& probe : probes_of(lines)) {
    ENSURE(table->find(probe) == other->find(probe));
  }
  return 0;
}
