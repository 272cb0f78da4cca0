#include "cli/commands/tune/record.h"

#include <doctest/doctest.h>

#include <fstream>

#include "../../../temporary_directory.h"

namespace murder::cli::tune {
namespace {

Record some_record() {
  Record record;
  record.files = {{.path = "/etc/sysctl.d/90-murder.conf", .written = {"old\n", "new\n"}},
                  {.path = "/etc/modules-load.d/murder.conf",
                   .before = {.exists = true,
                              .content = std::string("\xff\0x", 3),
                              .mode = 0640,
                              .owner = 7,
                              .group = 8,
                              .modified_s = 1'700'000'000,
                              .modified_ns = 123,
                              .keeps_time = true},
                   .written = {"tls\n"}}};
  record.directories = {"/etc/modules-load.d"};
  record.values = {
      {.place = Place::sysctl,
       .key = "net.ipv4.tcp_rmem",
       .before = "4096 131072 6291456",
       .written = {"4096 131072 8388608"}},
      {.place = Place::interrupt, .key = "eth0-TxRx-0", .before = "0-3", .written = {"2"}}};
  return record;
}

}  // namespace

TEST_CASE("a record survives its text, whatever bytes a file had") {
  const Record record = some_record();
  const Result<Record> back = parse_record(text_of(record));
  REQUIRE(back);
  CHECK(text_of(*back) == text_of(record));
  REQUIRE(back->files.size() == 2);
  CHECK(back->files[1].before.content == std::string("\xff\0x", 3));
  CHECK(back->files[1].before.mode == 0640);
  CHECK(back->files[1].before.modified_ns == 123);
  CHECK_FALSE(back->files[0].before.exists);
}

TEST_CASE("a record that leads elsewhere is not one of ours") {
  for (const char* text :
       {"", "{}", "[]", R"({"version":2})",
        R"({"version":1,"files":[{"path":"/root/.ssh/authorized_keys","before":null}]})",
        R"({"version":1,"files":[{"path":"/etc/../root/x","before":null}]})",
        R"({"version":1,"files":[{"path":"/etc/x","before":{"hex":"0"}}]})",
        R"({"version":1,"directories":["/etc/../x"]})",
        R"({"version":1,"values":[{"place":"sysctl","key":"../../x"}]})",
        R"({"version":1,"values":[{"place":"sysctl","key":"a/b"}]})",
        R"({"version":1,"values":[{"place":"nonsense","key":"a"}]})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_record(text));
  }
}

TEST_CASE("a record that others may have written is not used") {
  const TemporaryDirectory directory;
  const std::string root = directory.path();
  std::filesystem::create_directories(root + "/var/lib");
  const Result<std::optional<Record>> none = read_record(root);
  REQUIRE(none);
  CHECK_FALSE(none->has_value());
  REQUIRE(write_record(root, some_record()));
  const Result<std::optional<Record>> found = read_record(root);
  REQUIRE(found);
  CHECK(found->has_value());
  std::filesystem::permissions(
      root + std::string(record_path),
      std::filesystem::perms::owner_all | std::filesystem::perms::others_write);
  CHECK_FALSE(read_record(root));
}

TEST_CASE("facts before tuning are those of the host without what tune set") {
  Facts facts;
  facts.sysctls = {{"net.ipv4.tcp_rmem", "4096 131072 8388608"}};
  facts.interface.interrupts = {{.action = "eth0-TxRx-0", .allowed = "2", .serving = {2}}};
  const Facts before = before_tuning(facts, some_record());
  CHECK(before.sysctls.at("net.ipv4.tcp_rmem") == "4096 131072 6291456");
  CHECK(before.interface.interrupts[0].allowed == "0-3");
  // What somebody else set since is his.
  facts.sysctls["net.ipv4.tcp_rmem"] = "4096 131072 99999999";
  CHECK(before_tuning(facts, some_record()).sysctls.at("net.ipv4.tcp_rmem") ==
        "4096 131072 99999999");
}

}  // namespace murder::cli::tune
