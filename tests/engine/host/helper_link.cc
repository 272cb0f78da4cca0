#include "engine/host/helper_link.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace murder::host {
namespace {

std::pair<io::Fd, io::Fd> make_pair() {
  int ends[2] = {-1, -1};
  REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  return {io::Fd(ends[0]), io::Fd(ends[1])};
}

}  // namespace

TEST_CASE("messages arrive one by one, and a descriptor with the one that it was sent with") {
  auto [one, other] = make_pair();
  HelperLink sender(std::move(one));
  HelperLink receiver(std::move(other));
  const io::Fd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
  REQUIRE(sender.send({{"kind", "plain"}}));
  REQUIRE(sender.send({{"kind", "with"}}, file.get()));
  Result<HelperLink::Received> first = receiver.receive();
  REQUIRE(first);
  CHECK(text_member(first->message, "kind") == "plain");
  CHECK_FALSE(first->fd.is_open());
  Result<HelperLink::Received> second = receiver.receive();
  REQUIRE(second);
  CHECK(text_member(second->message, "kind") == "with");
  REQUIRE(second->fd.is_open());
  struct stat sent {};
  struct stat received {};
  REQUIRE(fstat(file.get(), &sent) == 0);
  REQUIRE(fstat(second->fd.get(), &received) == 0);
  CHECK(sent.st_rdev == received.st_rdev);
  CHECK((fcntl(second->fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("an end that is gone, and what is no message, are errors") {
  for (const std::string& packet :
       {std::string(), std::string("no json"), std::string("[1]"), std::string(200 * 1024, 'x')}) {
    auto [one, other] = make_pair();
    HelperLink receiver(std::move(other));
    if (!packet.empty()) {
      REQUIRE(send(one.get(), packet.data(), packet.size(), 0) ==
              static_cast<ssize_t>(packet.size()));
    } else {
      one.reset();
    }
    CHECK_FALSE(receiver.receive());
    if (packet.empty()) {
      CHECK_FALSE(receiver.send({{"kind", "late"}}));
    }
  }
}

}  // namespace murder::host
