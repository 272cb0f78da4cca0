// What a service sends to its manager and to the journal.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <string>

#include "../../temporary_directory.h"
#include "engine/host/bounds.h"
#include "engine/host/service/journal.h"
#include "engine/host/service/notify_socket.h"
#include "engine/host/service/service_event.h"

namespace murder::host {
namespace {

// A manager's end. `name` as in NOTIFY_SOCKET.
class Manager {
 public:
  explicit Manager(const std::string& name)
      : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') {
      address.sun_path[0] = '\0';
    }
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  }

  [[nodiscard]] std::string next() const {
    char bytes[8192];
    const ssize_t size = recv(socket_.get(), bytes, sizeof bytes, 0);
    return size < 0 ? "" : std::string(bytes, static_cast<size_t>(size));
  }

 private:
  io::Fd socket_;
};

}  // namespace

TEST_CASE("a manager is reached by a path and by an abstract name") {
  const TemporaryDirectory directory;
  for (const std::string& name :
       {directory.path() + "/notify", "@murder-test-" + std::to_string(getpid())}) {
    const Manager manager(name);
    const NotifySocket socket({.socket = name.c_str()});
    CHECK(socket.is_open());
    CHECK(socket.send("READY=1"));
    CHECK(manager.next() == "READY=1");
  }
}

TEST_CASE("without a manager, and with an address of another kind, nothing is sent") {
  for (const char* name : {"", "@", "/", "relative", "vsock:2:9999"}) {
    CHECK_FALSE(NotifySocket({.socket = name}).is_open());
  }
  CHECK_FALSE(NotifySocket({}).is_open());
  CHECK_FALSE(NotifySocket({.socket = std::string(200, '/').c_str()}).is_open());
  CHECK(NotifySocket({}).send("READY=1"));
}

TEST_CASE("a manager that does not read holds nobody up, and is told later") {
  const TemporaryDirectory directory;
  const std::string name = directory.path() + "/notify";
  const Manager manager(name);
  const NotifySocket socket({.socket = name.c_str()});
  bool was_taken = true;
  for (int count = 0; count < 100'000 && was_taken; ++count) {
    was_taken = socket.send("WATCHDOG=1");
  }
  CHECK_FALSE(was_taken);
  while (!manager.next().empty()) {
  }
  CHECK(socket.send("READY=1"));
}

TEST_CASE("a manager that is away is tried again") {
  const TemporaryDirectory directory;
  const std::string name = directory.path() + "/notify";
  const NotifySocket socket({.socket = name.c_str()});
  CHECK_FALSE(socket.send("READY=1"));
  const Manager manager(name);
  CHECK(socket.send("READY=1"));
}

TEST_CASE("the watchdog is told in half of its time, by the process that it is for") {
  const auto interval = [](const char* usec, const char* pid) {
    return watchdog_interval(
        {.socket = "@x", .watchdog_usec = usec, .watchdog_pid = pid, .own_pid = 42});
  };
  CHECK(interval("30000000", nullptr) == std::chrono::seconds(15));
  CHECK(interval("30000000", "42") == std::chrono::seconds(15));
  CHECK_FALSE(interval("30000000", "43"));
  CHECK_FALSE(interval("30000000", "x"));
  CHECK_FALSE(interval(nullptr, nullptr));
  for (const char* wrong : {"", "0", "1", "-5", "30s", "99999999999999999999999"}) {
    CHECK_FALSE(interval(wrong, nullptr));
  }
  CHECK(interval("18446744073709551615", nullptr) == std::chrono::hours(12));
  CHECK_FALSE(watchdog_interval({.watchdog_usec = "30000000", .own_pid = 42}));
}

TEST_CASE("a state is one line, whatever is in it") {
  CHECK(one_line("a\nREADY=1\rb") == "a READY=1 b");
}

TEST_CASE("a journal entry has a line for each field, and a length where a value has lines") {
  JournalEntry entry;
  entry.add("MESSAGE", "two\nlines").add("PRIORITY", "6").add("MURDER_TAG", "");
  const std::string length("\x09\0\0\0\0\0\0\0", 8);
  CHECK(entry.bytes() == "MESSAGE\n" + length + "two\nlines\nPRIORITY=6\n");
}

TEST_CASE("a journal entry is bounded") {
  JournalEntry entry;
  for (int count = 0; count < 1000; ++count) {
    entry.add("FIELD", std::string(100'000, 'x'));
  }
  CHECK(entry.bytes().size() <= limits::journal_entry_bytes_max);
  CHECK(entry.bytes().size() > limits::journal_entry_bytes_max / 2);
}

TEST_CASE("an event names the release, the host and its kind") {
  const JournalEntry entry = journal_entry_of({.kind = ServiceEventKind::host_lost,
                                               .message = "v42: w1 fell silent",
                                               .tag = "v42",
                                               .host = "w1"});
  CHECK(entry.bytes() ==
        "MESSAGE=v42: w1 fell silent\nPRIORITY=4\nSYSLOG_IDENTIFIER=murder\n"
        "MESSAGE_ID=6194bc439b1b4ee6b7b0824d04e77eaf\nMURDER_EVENT=host_lost\nMURDER_TAG=v42\n"
        "MURDER_HOST=w1\n");
}

TEST_CASE("each kind of event has an id of its own") {
  std::set<std::string_view> ids;
  for (const ServiceEventType& type : service_event_types) {
    CHECK(type.message_id.size() == 32);
    CHECK(type.message_id.find_first_not_of("0123456789abcdef") == std::string_view::npos);
    ids.insert(type.message_id);
  }
  CHECK(ids.size() == service_event_types.size());
}

TEST_CASE("the journal's stream is known by device and inode") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/stream";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct stat status {};
  REQUIRE(fstat(fd, &status) == 0);
  const std::string right = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  CHECK(is_journal_stream(fd, right.c_str()));
  CHECK_FALSE(is_journal_stream(fd, (right + "1").c_str()));
  CHECK_FALSE(is_journal_stream(fd, ""));
  CHECK_FALSE(is_journal_stream(fd, nullptr));
  CHECK_FALSE(is_journal_stream(-1, right.c_str()));
  close(fd);
}

}  // namespace murder::host
