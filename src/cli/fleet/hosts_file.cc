// The files of --hosts.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/fleet/config.h"
#include "cli/fleet/plan/fleet_bounds.h"
#include "engine/archive/file.h"

namespace murder::fleet {
namespace {

constexpr std::string_view blanks = " \t\r";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";  // what Windows puts in front

// Cuts the first word off; empty at the end.
std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(blanks));
  line.remove_prefix(word.size());
  return word;
}

// "port=2222" or "become". False: not known, or not a value for it.
bool take_attribute(std::string_view word, HostEntry& entry) {
  const size_t equals = std::min(word.find('='), word.size());
  const std::string_view name = word.substr(0, equals);
  const std::string value(word.substr(std::min(equals + 1, word.size())));
  if (name == "no_release" || name == "become") {
    (name == "become" ? entry.become : entry.no_release) =
        value.empty() || value == "1" || value == "true";
    return value.empty() || value == "1" || value == "true" || value == "0" || value == "false";
  }
  if (value.empty()) {
    return false;
  }
  if (name == "port") {
    uint16_t port = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), port);
    entry.port = port;
    return error == std::errc{} && end == value.data() + value.size() && port > 0;
  }
  std::optional<std::string>* text = name == "user"      ? &entry.user
                                     : name == "ip"      ? &entry.ip
                                     : name == "rack"    ? &entry.rack
                                     : name == "address" ? &entry.address
                                                         : nullptr;
  if (text != nullptr) {
    *text = value;
  }
  return text != nullptr;
}

}  // namespace

Result<std::vector<HostEntry>> parse_hosts(std::string_view text, const std::string& path) {
  std::vector<HostEntry> entries;
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return fail(ErrorCode::invalid_input, path + " is UTF-16: save it as UTF-8");
  }
  if (text.starts_with(byte_order_mark)) {
    text.remove_prefix(byte_order_mark.size());
  }
  for (uint64_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    HostEntry entry{.node_set = std::string(next_word(line)),
                    .where = fmt::format("{}:{}", path, number)};
    if (entry.node_set.empty()) {
      continue;
    }
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
      if (!take_attribute(word, entry)) {
        return fail(ErrorCode::invalid_input,
                    fmt::format("{}:{}: '{}': behind a host there may be port=N, user=, ip=, "
                                "rack=, address=, become and no_release; one node set a line",
                                path, number, word));
      }
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::vector<HostEntry>> load_hosts(const std::string& path) {
  const Result<std::string> text =
      archive::read_whole_file(path == "-" ? "/dev/stdin" : path, limits::config_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  return parse_hosts(*text, path == "-" ? "standard input" : path);
}

}  // namespace murder::fleet
