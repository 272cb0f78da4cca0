#include "etcd_cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/random_word.h"
#include "engine/http/blocking_client.h"

namespace murder::store {
namespace {

// Of loopback's addresses, so that no other process takes a port before etcd does.
std::string unused_address() {
  const uint64_t random = random_word().value();
  return fmt::format("127.{}.{}.{}", 1 + random % 250, 1 + (random >> 8U) % 250,
                     1 + (random >> 16U) % 250);
}

int free_port(const std::string& host) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
  REQUIRE(::inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1);
  socklen_t size = sizeof(address);
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

}  // namespace

bool EtcdCluster::can_run() {
  static const bool is_there = std::system("command -v etcd >/dev/null 2>&1") == 0;
  if (!is_there) {
    MESSAGE("skipped: no program etcd (Debian's package etcd-server)");
  }
  return is_there;
}

EtcdCluster::EtcdCluster() : address_(unused_address()) {
  // In memory where there is some to write to: a disk that others keep busy costs etcd its
  // elections.
  char in_memory[] = "/dev/shm/murder-etcd-XXXXXX";
  char on_disk[] = "/tmp/murder-etcd-XXXXXX";
  const char* made = ::mkdtemp(in_memory);
  made = made != nullptr ? made : ::mkdtemp(on_disk);
  REQUIRE(made != nullptr);
  directory_ = made;
  for (Member& member : members_) {
    member.client_port = free_port(address_);
    member.peer_port = free_port(address_);
  }
  for (size_t index = 0; index < size; ++index) {
    start(index);
  }
  wait_until_ready();
}

EtcdCluster::~EtcdCluster() {
  for (size_t index = 0; index < size; ++index) {
    kill(index);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string EtcdCluster::url(size_t member) const {
  return fmt::format("http://{}:{}", address_, members_.at(member).client_port);
}

std::string EtcdCluster::spec(const std::string& name) const {
  return fmt::format("etcd:{},{},{}/{}", url(0), url(1), url(2), name);
}

void EtcdCluster::start(size_t index) {
  Member& member = members_.at(index);
  const auto peer_url = [this](const Member& of) {
    return fmt::format("http://{}:{}", address_, of.peer_port);
  };
  std::string all;
  for (size_t other = 0; other < size; ++other) {
    all += fmt::format("{}m{}={}", other == 0 ? "" : ",", other, peer_url(members_.at(other)));
  }
  const std::string data = fmt::format("{}/m{}", directory_, index);
  std::vector<std::string> words = {"etcd",
                                    "--name",
                                    fmt::format("m{}", index),
                                    "--data-dir",
                                    data,
                                    "--listen-client-urls",
                                    url(index),
                                    "--advertise-client-urls",
                                    url(index),
                                    "--listen-peer-urls",
                                    peer_url(member),
                                    "--initial-advertise-peer-urls",
                                    peer_url(member),
                                    "--initial-cluster",
                                    all,
                                    "--initial-cluster-state",
                                    "new",
                                    "--logger",
                                    "zap",
                                    "--log-level",
                                    "error"};
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  const std::string log = data + ".log";
  member.pid = ::fork();
  if (member.pid == 0) {
    // Also when the test is killed.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    ::execvp("etcd", arguments.data());
    ::_exit(127);
  }
}

void EtcdCluster::send(size_t member, int signal) const {
  if (members_.at(member).pid > 0) {
    ::kill(members_.at(member).pid, signal);
  }
}

void EtcdCluster::kill(size_t index) {
  Member& member = members_.at(index);
  if (member.pid > 0) {
    send(index, SIGKILL);
    ::waitpid(member.pid, nullptr, 0);
    member.pid = -1;
  }
}

std::string EtcdCluster::post(const std::string& path, const std::string& body) const {
  std::string error;
  for (int round = 0; round < 200; ++round) {
    for (size_t member = 0; member < size; ++member) {
      const Result<http::Reply> reply = http::blocking_request(
          url(member) + path, {.method = "POST", .body = body, .timeout = std::chrono::seconds(2)});
      if (reply && reply->status == 200) {
        return reply->body;
      }
      error = reply ? reply->body : reply.error().text;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  FAIL("etcd does not answer: ", error);
  return {};
}

void EtcdCluster::wait_until_ready() const {
  for (size_t member = 0; member < size; ++member) {
    bool is_ready = false;
    for (int round = 0; round < 600 && !is_ready; ++round) {
      // Read through etcd's leader, so there is one.
      const Result<http::Reply> reply = http::blocking_request(
          url(member) + "/v3/kv/range",
          {.method = "POST", .body = R"({"key":"AA=="})", .timeout = std::chrono::seconds(2)});
      is_ready = reply && reply->status == 200;
      std::this_thread::sleep_for(std::chrono::milliseconds(is_ready ? 0 : 100));
    }
    REQUIRE(is_ready);
  }
}

size_t EtcdCluster::leader() const {
  for (int round = 0; round < 100; ++round) {
    for (size_t member = 0; member < size; ++member) {
      const Result<http::Reply> reply = http::blocking_request(
          url(member) + "/v3/maintenance/status",
          {.method = "POST", .body = "{}", .timeout = std::chrono::seconds(2)});
      const Result<Json> json = reply ? parse_json(reply->body) : fail(reply.error());
      if (json && !(*json)["leader"].text().empty() &&
          (*json)["leader"].text() == (*json)["header"]["member_id"].text()) {
        return member;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  FAIL("etcd has no leader");
  return 0;
}

EtcdCluster& shared_cluster() {
  static EtcdCluster cluster;
  return cluster;
}

std::string unused_name() {
  static int count = 0;
  return fmt::format("test-{}-{}", ::getpid(), ++count);
}

}  // namespace murder::store
