#include "engine/base/html_text.h"

#include <doctest/doctest.h>

TEST_CASE("what has a meaning in HTML is escaped, in elements and attributes") {
  std::string html = "<p>";
  murder::append_html_escaped(html, "<b a=\"x\" c='y'>&</b>");
  CHECK(html == "<p>&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;&lt;/b&gt;");
}
