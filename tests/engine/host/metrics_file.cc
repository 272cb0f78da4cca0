#include "engine/host/metrics_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "../../temporary_directory.h"
#include "engine/base/small_file.h"

using namespace murder;
using namespace murder::host;

namespace {

// The umask is of the whole process.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { umask(before_); }

 private:
  mode_t before_;
};

std::string content_of(const std::string& path) {
  const Result<std::string> content = read_small_file(path, 1000);
  return content ? *content : content.error().text;
}

}  // namespace

TEST_CASE("a metrics file is replaced in one step, and everybody may read it") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/murder.prom";
  const Umask umask(0077);
  REQUIRE(write_metrics_file(path, "a 1\n").has_value());
  const int reader = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(write_metrics_file(path, "a 2\n").has_value());
  CHECK(content_of(path) == "a 2\n");
  char old[5] = {};
  CHECK(read(reader, old, 4) == 4);
  CHECK(std::string(old) == "a 1\n");
  close(reader);
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0644);
  CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
}

TEST_CASE("what is not a regular file is left alone") {
  const TemporaryDirectory directory;
  const std::string target = directory.path() + "/target";
  const std::string link = directory.path() + "/link.prom";
  REQUIRE(write_small_file(target, "kept").has_value());
  REQUIRE(symlink(target.c_str(), link.c_str()) == 0);
  CHECK_FALSE(write_metrics_file(link, "a 1\n").has_value());
  CHECK(std::filesystem::is_symlink(link));
  CHECK(content_of(target) == "kept");
  CHECK_FALSE(write_metrics_file("/dev/null", "a 1\n").has_value());
  CHECK(std::filesystem::is_character_file("/dev/null"));
  CHECK_FALSE(write_metrics_file(directory.path(), "a 1\n").has_value());
}

TEST_CASE("the last text is written, whatever was put before it") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/murder.prom";
  auto writer = MetricsWriter::create(path);
  REQUIRE(writer.has_value());
  for (int number = 0; number < 100; ++number) {
    (*writer)->put("a " + std::to_string(number) + "\n");
  }
  (*writer)->finish("a last\n");
  CHECK(content_of(path) == "a last\n");
  CHECK_FALSE((*writer)->take_error().has_value());
}

TEST_CASE("an error is told once, and the writer goes on") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/missing/murder.prom";
  auto writer = MetricsWriter::create(path);
  REQUIRE(writer.has_value());
  (*writer)->put("a 1\n");
  std::optional<Error> error;
  while (!error) {
    error = (*writer)->take_error();
    usleep(1000);
  }
  CHECK(error->code == ErrorCode::not_found);
  (*writer)->put("a 2\n");
  REQUIRE(mkdir((directory.path() + "/missing").c_str(), 0700) == 0);
  (*writer)->finish("a 3\n");
  CHECK(content_of(path) == "a 3\n");
  CHECK_FALSE((*writer)->take_error().has_value());
}
