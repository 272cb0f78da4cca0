// Why a host did not get the release, with what to look at where nothing came to it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace murder::fleet {

// `peer_port`: the ports on which hosts listen for each other ("51000-51099"); empty: any.
[[nodiscard]] std::string reason_nothing_came(std::string_view why, std::string_view peer_port);

// Of a peer that a command over ssh has started: what to do where it did not reach the tracker.
[[nodiscard]] std::string reason_of_peer(std::string why);

}  // namespace murder::fleet
