#include "engine/control/kept_text.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/control/agent.h"
#include "engine/control/bounds.h"

using namespace murder;
using namespace murder::control;
using namespace std::chrono_literals;

namespace {

const InfoHash kept_hash = InfoHash::from_hex("00112233445566778899aabbccddeeff00112233").value();
const HeldRelease some_release{.info_hash = kept_hash, .serial = 9};

KeptAgent some_kept() {
  return {.origin = UINT64_MAX,
          .revision = 4,
          .apps = {{.app = "shop",
                    .active = some_release,
                    .previous = HeldRelease{.info_hash = {}, .serial = 8},
                    .ready = {some_release},
                    .revoked = {kept_hash, InfoHash{}},
                    .phase = Phase::returning,
                    .attempt = 7,
                    .failed_attempt = 7,
                    .failure = Reason::activation,
                    .text = "so",
                    .min_healthy = 1s,
                    .healthy_deadline = 2s,
                    .confirm_within = 3s},
                   {.app = "a/b:c"}}};
}

}  // namespace

TEST_CASE("what an agent keeps is read as it was written") {
  const std::string text = text_of(some_kept());
  const Result<KeptAgent> again = parse_kept(text);
  REQUIRE(again.has_value());
  CHECK(text_of(*again) == text);
  REQUIRE(again->apps.size() == 2);
  CHECK(again->apps[0].previous->serial == 8);
  CHECK(again->apps[0].phase == Phase::returning);
  CHECK(again->apps[0].confirm_within == 3s);
  CHECK_FALSE(again->apps[1].active.has_value());
}

TEST_CASE("what cannot have been kept is refused, so that no agent begins with it") {
  const std::string good = text_of(some_kept());
  for (const auto& each : std::initializer_list<std::pair<const char*, const char*>>{
           {R"("app":"a/b:c")", R"("app":"shop")"},
           {R"("app":"a/b:c")", R"("app":"a b")"},
           {R"("phase":"idle")", R"("phase":"activating")"},
           {R"("is_unconfirmed":false,"attempt":0)", R"("is_unconfirmed":true,"attempt":0)"},
           {R"("failed_attempt":0)", R"("failed_attempt":1)"},
           {R"("origin":18446744073709551615)", R"("origin":18446744073709551616)"},
           {R"("serial":9)", R"("serial":null)"},
       }) {
    const char* from = each.first;
    const char* to = each.second;
    INFO(from, " -> ", to);
    std::string text = good;
    const size_t place = text.find(from);
    REQUIRE(place != std::string::npos);
    text.replace(place, std::string_view(from).size(), to);
    CHECK_FALSE(parse_kept(text).has_value());
  }
  CHECK_FALSE(parse_kept("").has_value());
  CHECK_FALSE(parse_kept(good.substr(0, good.size() / 2)).has_value());
}

TEST_CASE("the most that an agent keeps fits") {
  KeptAgent kept;
  for (uint32_t index = 0; index < limits::control_list_max; ++index) {
    KeptApp app = some_kept().apps[0];
    app.app = std::string(limits::control_name_bytes_max - 1, 'n') + static_cast<char>('A' + index);
    if (index >= 26) {
      app.app = std::string(limits::control_name_bytes_max - 1, 'm') +
                static_cast<char>('A' + index - 26);
    }
    app.ready.assign(limits::control_list_max, some_release);
    app.revoked.assign(limits::control_revoked_told_max, kept_hash);
    app.text.assign(2 * limits::control_text_bytes_max, '\\');
    kept.apps.push_back(app);
  }
  CHECK(parse_kept(text_of(kept)).has_value());
}
