// The keys of tracker.toml: what the reader takes, and what tracker.toml(5) says of each. Where a
// text is empty, it is what `murder tracker --help` says of the option of that name.
#pragma once

#include <array>

#include "cli/ui/config_key.h"

namespace murder::cli {

inline constexpr std::string_view tracker_table = "tracker";  // the file itself
inline constexpr std::string_view limits_table = "limits";

inline constexpr std::array tracker_config_keys = {
    ConfigKey{tracker_table, "listen", "ADDRESSES",
              "Addresses of this host to listen on, as \"HOST:PORT\" or \"HOST\": one, or a list. "
              "\"[::]\" is all addresses, IPv6 and IPv4 (default: \"[::]:8998\")."},
    ConfigKey{tracker_table, "port", "PORT",
              "The port of addresses that name none (default: 8998)."},
    ConfigKey{tracker_table, "racks", "FILE",
              "Where hosts stand that do not say it themselves: a file with lines of a network and "
              "its rack, such as \"10.1.0.0/16 r7\". In its place there may be a table [racks] at "
              "the end of the file, see below."},
    ConfigKey{tracker_table, "end_when_idle", "TIME", ""},
    ConfigKey{tracker_table, "fleet_key", "FILE", ""},
    ConfigKey{tracker_table, "open", "BOOLEAN", ""},
    ConfigKey{tracker_table, "tls_cert", "FILE", ""},
    ConfigKey{tracker_table, "tls_key", "FILE", ""},
    ConfigKey{tracker_table, "state", "DIR", ""},
    ConfigKey{tracker_table, "data", "DIR", ""},
    ConfigKey{tracker_table, "enrol", "HOW", ""},
    ConfigKey{
        tracker_table, "transport", "WAY",
        "How the coordinator's own copies of releases are fetched and served: \"plain\", or "
        "\"tls\", encrypted with the fleet key, as agents have it (default: tls where the key "
        "file has a line `transport tls`, else plain)."},
    ConfigKey{tracker_table, "limits", "TABLE", "Bounds of what it keeps, see below."},
    ConfigKey{limits_table, "connections", "NUMBER",
              "Connections at the same time (default: 20000)."},
    ConfigKey{limits_table, "hosts", "NUMBER",
              "Hosts it knows at the same time, of all releases (default: 500000). When there are "
              "more, they take turns."},
    ConfigKey{limits_table, "releases", "NUMBER",
              "Releases it knows at the same time (default: 4096)."},
};

}  // namespace murder::cli
