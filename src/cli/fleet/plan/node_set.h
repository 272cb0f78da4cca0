// Node sets in ClusterShell's notation, to lists of names and back. Pure.
//
//   w1                       a name
//   w[001-120]               a range; a padded first number pads all (001, 002, ... 120)
//   w[0-10/2,15]             steps and lists inside brackets
//   rack[1-2]n[01-16].dc1    several brackets: every combination, the last one fastest
//   A,B  A B                 union; also line breaks
//   A!B  A&B  A^B            difference, intersection, symmetric difference, from left to right
//
// Groups (@name) are ClusterShell's own configuration and are refused.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace murder::fleet {

// Each name once, in the order in which it was first named (ClusterShell sorts; here the first peer
// means something). Names are host names or addresses, perhaps with "USER@" in front: checked by
// validate_host_name. Errors: bad notation, more than limits::hosts_max names on the way.
[[nodiscard]] Result<std::vector<std::string>> expand_node_set(std::string_view text);

// The short form of a list of names, for people: numbers that differ at the last place where there
// are digits are put into brackets ("w[001-003,007],tracker01"). Expanding it gives the same set.
[[nodiscard]] std::string fold_node_set(std::span<const std::string> names);

// Letters, digits and "._-:%@" (an IPv6 address has colons), no '-' or '@' in front: it becomes an
// argument of ssh.
[[nodiscard]] Status validate_host_name(std::string_view name);

}  // namespace murder::fleet
