// Text as it stands in HTML and SVG.
#pragma once

#include <string>
#include <string_view>

namespace murder {

// Fit for the content of an element and for the value of an attribute.
void append_html_escaped(std::string& out, std::string_view text);

}  // namespace murder
