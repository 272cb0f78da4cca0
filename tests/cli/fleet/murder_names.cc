#include <doctest/doctest.h>

#include "cli/fleet/fleet_options.h"

namespace murder::fleet {
namespace {

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("tasks and options may be written with underscores, values stay as they are") {
  CHECK(normalise_words({"fleet", "stop_all_seeding", "--temp_path=/my_tmp", "--tag", "my_tag"}) ==
        Words{"fleet", "stop-all-seeding", "--temp-path=/my_tmp", "--tag", "my_tag"});
  CHECK(normalise_words({"fleet", "--forks", "9"}) == Words{"fleet", "--forks", "9"});
}

TEST_CASE("name=value becomes an option") {
  CHECK(normalise_words(
            {"fleet", "peer", "tag=a_b", "destination_path=/srv/x=y", "no_tag_directory=1"}) ==
        Words{"fleet", "peer", "--tag=a_b", "--destination-path=/srv/x=y", "--no-tag-directory=1"});
  CHECK(normalise_words({"deploy", "./a=b", "files-path=x"}) ==
        Words{"deploy", "./a=b", "--files-path=x"});
  CHECK(normalise_words({"fleet", "peer", "other=1"}) == Words{"fleet", "peer", "other=1"});
}

TEST_CASE("other commands' words and what stands behind -- are left alone") {
  CHECK(normalise_words({"create", "a_b", "--x_y=1", "tag=1"}) ==
        Words{"create", "a_b", "--x_y=1", "tag=1"});
  CHECK(normalise_words({"deploy", "--", "tag=1", "--x_y"}) ==
        Words{"deploy", "--", "tag=1", "--x_y"});
  CHECK(normalise_words({}).empty());
}

}  // namespace murder::fleet
