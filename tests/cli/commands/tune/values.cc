#include "cli/commands/tune/values.h"

#include <doctest/doctest.h>

namespace murder::cli::tune {

TEST_CASE("numbers of a sysctl come out with one space between, words give none") {
  CHECK(one_space_between("4096\t131072\t6291456\n") == "4096 131072 6291456");
  CHECK(one_space_between("  \n") == "");
  CHECK(numbers_in("4096\t131072 6291456") == std::vector<uint64_t>{4096, 131072, 6291456});
  CHECK(numbers_in("cubic").empty());
  CHECK(numbers_in("12 x").empty());
  CHECK(numbers_in("-1").empty());
  CHECK(numbers_in("99999999999999999999").empty());
}

TEST_CASE("lists of processors") {
  CHECK(cpus_in("0-3,8\n") == std::vector<uint32_t>{0, 1, 2, 3, 8});
  CHECK(cpus_in("").empty());
  CHECK(cpus_in("3-1").empty());
  CHECK(cpus_in("0-4294967295").empty());
  CHECK(cpus_in("a").empty());
}

TEST_CASE("the mode of huge pages is the marked word") {
  CHECK(marked_word("always [madvise] never\n") == "madvise");
  CHECK(marked_word("always madvise never") == "");
  CHECK(marked_word("always\n") == "always");
}

TEST_CASE("settings of a unit in the order of their lines, without comments and heads") {
  const auto settings = settings_in("[Service]\n# LimitNOFILE=1\nLimitNOFILE = 4096\n;x=y\nA=\n");
  REQUIRE(settings.size() == 2);
  CHECK(settings[0] == std::pair<std::string, std::string>("LimitNOFILE", "4096"));
  CHECK(settings[1] == std::pair<std::string, std::string>("A", ""));
}

TEST_CASE("any bytes survive hexadecimal text, and nothing else is taken for it") {
  std::string bytes;
  for (int each = 0; each < 256; ++each) {
    bytes += static_cast<char>(each);
  }
  std::string back;
  REQUIRE(bytes_of_hex(hex_of(bytes), &back));
  CHECK(back == bytes);
  CHECK_FALSE(bytes_of_hex("0", &back));
  CHECK_FALSE(bytes_of_hex("0g", &back));
  CHECK(back == bytes);
}

}  // namespace murder::cli::tune
