// Addresses that people give for others to connect to.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder::cli {

// Of a name or a numeric address without brackets. Error: other hosts cannot connect to it, as to a
// link-local one, which is nothing without an interface of the host that connects.
[[nodiscard]] Status check_given_address(std::string_view host);

// The announce URL of "HOST", "HOST:PORT", or of a URL, which is taken as it is but for blanks
// around it. Errors: none of these, or nobody could connect to it.
[[nodiscard]] Result<std::string> tracker_url_of(std::string_view text);

}  // namespace murder::cli
