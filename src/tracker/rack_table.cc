#include "tracker/rack_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <tuple>

#include "engine/base/rack.h"
#include "tracker/bounds.h"

namespace murder::tracker {

namespace {

constexpr uint8_t bits_of_v6 = 128;
constexpr uint8_t bits_before_v4 = 96;  // an IPv4 address is held mapped into IPv6

IpAddress masked(const IpAddress& address, uint8_t prefix_bits) {
  IpAddress result = address;
  for (uint32_t index = 0; index < result.bytes.size(); ++index) {
    const uint32_t first_bit = index * 8;
    if (first_bit >= prefix_bits) {
      result.bytes[index] = 0;
    } else if (first_bit + 8 > prefix_bits) {
      result.bytes[index] &= static_cast<uint8_t>(0xFF00U >> (prefix_bits - first_bit));
    }
  }
  return result;
}

std::string_view next_word(std::string_view& line) {
  constexpr std::string_view blanks = " \t\r";
  line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(blanks));
  line.remove_prefix(word.size());
  return word;
}

struct Prefix {
  IpAddress base;
  uint8_t bits = 0;
};

std::optional<Prefix> parse_network(std::string_view text) {
  const size_t slash = text.find('/');
  const std::optional<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address) {
    return std::nullopt;
  }
  const uint8_t bits_before = address->is_v4() ? bits_before_v4 : 0;
  uint8_t bits = bits_of_v6 - bits_before;
  if (slash != std::string_view::npos) {
    const char* const end = text.data() + text.size();
    const uint8_t bits_max = bits;
    const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, bits);
    if (error != std::errc{} || stop != end || bits > bits_max) {
      return std::nullopt;
    }
  }
  return Prefix{.base = *address, .bits = static_cast<uint8_t>(bits_before + bits)};
}

}  // namespace

Result<RackTable> RackTable::parse(std::string_view text, std::string_view path) {
  RackTable table;
  const auto wrong = [path](uint32_t number, std::string_view why) {
    return fail(ErrorCode::invalid_input, fmt::format("{}:{}: {}", path, number, why));
  };
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) {
    text.remove_prefix(byte_order_mark.size());
  }
  for (uint32_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const std::string_view network_text = next_word(line);
    if (network_text.empty()) {
      continue;
    }
    const std::optional<Prefix> prefix = parse_network(network_text);
    if (!prefix) {
      return wrong(number, fmt::format("'{}' is not a network: write one like 10.1.0.0/16 and the "
                                       "name of its rack",
                                       network_text));
    }
    if (masked(prefix->base, prefix->bits) != prefix->base) {
      return wrong(number, fmt::format("{} has bits beyond its prefix: {} begins at {}",
                                       network_text, network_text.substr(network_text.find('/')),
                                       masked(prefix->base, prefix->bits).text()));
    }
    const std::string_view rack = next_word(line);
    if (Status named = validate_rack_name(rack); !named) {
      return wrong(number, named.error().text);
    }
    if (!next_word(line).empty()) {
      return wrong(number, "more than a network and a rack");
    }
    if (table.networks_.size() >= limits::rack_networks_max) {
      return wrong(number, fmt::format("more than {} networks", limits::rack_networks_max));
    }
    table.networks_.push_back(
        {.prefix_bits = prefix->bits, .base = prefix->base, .rack = std::string(rack)});
  }
  std::sort(table.networks_.begin(), table.networks_.end(),
            [](const Network& left, const Network& right) {
              return std::tie(right.prefix_bits, left.base) <
                     std::tie(left.prefix_bits, right.base);
            });
  const auto twice =
      std::adjacent_find(table.networks_.begin(), table.networks_.end(),
                         [](const Network& left, const Network& right) {
                           return left.prefix_bits == right.prefix_bits && left.base == right.base;
                         });
  if (twice != table.networks_.end()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: the network of {} and of {} at {} is the same", path, twice->rack,
                            std::next(twice)->rack, twice->base.text()));
  }
  return table;
}

std::string_view RackTable::find(const IpAddress& address) const {
  for (auto at = networks_.begin(); at != networks_.end();) {
    const uint8_t bits = at->prefix_bits;
    const IpAddress base = masked(address, bits);
    const auto end = std::partition_point(at, networks_.end(), [bits](const Network& network) {
      return network.prefix_bits == bits;
    });
    const auto found = std::lower_bound(
        at, end, base,
        [](const Network& network, const IpAddress& wanted) { return network.base < wanted; });
    if (found != end && found->base == base) {
      return found->rack;
    }
    at = end;
  }
  return {};
}

}  // namespace murder::tracker
