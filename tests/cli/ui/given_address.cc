#include "cli/ui/given_address.h"

#include <doctest/doctest.h>

namespace murder::cli {

TEST_CASE("what is given for a tracker is a host, a host and a port, or a URL") {
  for (const auto& [given, url] : {
           std::pair{"t1", "http://t1:8998/announce"},
           {" t1:80 ", "http://t1:80/announce"},
           {"10.0.0.7", "http://10.0.0.7:8998/announce"},
           {"fd77::1", "http://[fd77::1]:8998/announce"},
           {"[fd77::1]:80", "http://[fd77::1]:80/announce"},
           {"169.254.0.1", "http://169.254.0.1:8998/announce"},
           {"https://t1/x?y=1", "https://t1/x?y=1"},
           {"udp://t1:6969", "udp://t1:6969"},
       }) {
    CAPTURE(given);
    CHECK(tracker_url_of(given).value_or("") == url);
  }
  for (const char* const given :
       {"", ":80", "t1:x", "[fd77::1", "[fd77::zz]:1", "http://", "http://a b/",
        "http://user@t1/announce", "http://fd77::1/announce"}) {
    CAPTURE(given);
    CHECK_FALSE(tracker_url_of(given));
  }
}

TEST_CASE("what others cannot connect to is refused with what to give instead") {
  for (const char* const given :
       {"fe80::1", "[fe80::1]:8998", "febf::1", "fe80::1%eth0", "[fe80::1%eth0]:8998",
        "[fd77::1%eth0]", "http://[fe80::1]:8998/announce", "https://[fe80::1%25eth0]/announce"}) {
    CAPTURE(given);
    const Result<std::string> url = tracker_url_of(given);
    REQUIRE_FALSE(url);
    CHECK(url.error().text.find("unique local") != std::string::npos);
  }
  for (const char* const given :
       {"ff02::1", "224.0.0.1", "239.1.2.3", "255.255.255.255", "::ffff:224.0.0.1"}) {
    CAPTURE(given);
    CHECK_FALSE(check_given_address(given));
    CHECK_FALSE(tracker_url_of(given));
  }
  for (const char* const given : {"t1", "127.0.0.1", "::1", "fec0::1", "240.0.0.1", "100%"}) {
    CAPTURE(given);
    CHECK(check_given_address(given));
  }
}

}  // namespace murder::cli
