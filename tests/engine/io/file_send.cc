#include "engine/io/file_send.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/io/sockets.h"

using namespace murder;

namespace {

constexpr uint32_t file_bytes = 1'000'001;

struct Place {
  Place() {
    std::string pattern = (std::filesystem::temp_directory_path() / "murder-send-XXXXXX").string();
    file = io::Fd(mkstemp(pattern.data()));
    REQUIRE(file.is_open());
    unlink(pattern.c_str());
    for (uint32_t at = 0; at < file_bytes; ++at) {
      content.push_back(static_cast<char>(at * 7 + at / 251));
    }
    REQUIRE(write(file.get(), content.data(), content.size()) ==
            static_cast<ssize_t>(content.size()));
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    from = io::Fd(ends[0]);
    to = io::Fd(ends[1]);
    REQUIRE(io::set_non_blocking(from.get()));
    REQUIRE(io::set_non_blocking(to.get()));
  }

  io::Fd file;
  io::Fd from;
  io::Fd to;
  std::string content;
};

}  // namespace

TEST_CASE("a part of a file goes to a socket as far as there is room, and the rest later") {
  Place place;
  constexpr uint32_t begin = 12'345;
  uint32_t sent = 0;
  bool was_full = false;
  std::string received;
  while (begin + sent < file_bytes) {
    const int64_t result =
        io::send_file(place.from.get(), place.file.get(), begin + sent, file_bytes - begin - sent);
    if (result > 0) {
      sent += static_cast<uint32_t>(result);
      continue;
    }
    REQUIRE(result == -EAGAIN);
    was_full = true;
    std::vector<char> part(64 * 1024);
    const ssize_t size = read(place.to.get(), part.data(), part.size());
    REQUIRE(size > 0);
    received.append(part.data(), static_cast<size_t>(size));
  }
  CHECK(was_full);
  CHECK(io::send_file(place.from.get(), place.file.get(), file_bytes, 1) == 0);
  place.from.reset();
  std::vector<char> part(64 * 1024);
  for (ssize_t size = 1; size > 0;) {
    size = read(place.to.get(), part.data(), part.size());
    received.append(part.data(), static_cast<size_t>(std::max<ssize_t>(size, 0)));
  }
  CHECK(received == place.content.substr(begin));
}

TEST_CASE("what was written lately is cached, what does not exist is not") {
  const Place place;
  CHECK(io::is_cached(place.file.get(), 0, file_bytes));
  CHECK(io::is_cached(place.file.get(), 5000, 1));
  CHECK(io::is_cached(place.file.get(), 999'000, 0));
  CHECK_FALSE(io::is_cached(place.file.get(), 4'000'000, 100));
  CHECK_FALSE(io::is_cached(place.file.get(), 900'000, 4'000'000));
}
