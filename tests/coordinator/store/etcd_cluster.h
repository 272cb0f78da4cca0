// Three etcd servers on this machine's loopback, which may be killed and stopped.
#pragma once

#include <sys/types.h>

#include <array>
#include <memory>
#include <string>

#include "../../temporary_directory.h"
#include "places.h"

namespace murder::store {

class EtcdCluster {
 public:
  static constexpr size_t size = 3;

  // Whether the program is there; if not, says that a test is skipped.
  [[nodiscard]] static bool can_run();

  EtcdCluster();
  EtcdCluster(const EtcdCluster&) = delete;
  EtcdCluster& operator=(const EtcdCluster&) = delete;
  ~EtcdCluster();

  // "etcd:http://127.A.B.C:PORT,.../NAME"
  [[nodiscard]] std::string spec(const std::string& name) const;
  [[nodiscard]] std::string url(size_t member) const;
  void kill(size_t member);
  void start(size_t member);
  void send(size_t member, int signal) const;
  // Which one etcd itself follows.
  [[nodiscard]] size_t leader() const;
  void wait_until_ready() const;
  // The reply's body, from any member.
  std::string post(const std::string& path, const std::string& body) const;

 private:
  struct Member {
    pid_t pid = -1;
    int client_port = 0;
    int peer_port = 0;
  };

  std::string address_;
  std::string directory_;
  std::array<Member, size> members_;
};

// One for all tests that kill none of it.
[[nodiscard]] EtcdCluster& shared_cluster();

// A name that no other test of this process has had.
[[nodiscard]] std::string unused_name();

class EtcdPlace : public Place {
 public:
  explicit EtcdPlace(const EtcdCluster& cluster) : spec_(cluster.spec(unused_name())) {}
  [[nodiscard]] std::string name() const override { return "etcd"; }
  [[nodiscard]] std::unique_ptr<RecordStore> open() override {
    Result<std::unique_ptr<RecordStore>> store = open_store(spec_);
    REQUIRE(store);
    return std::move(*store);
  }
  [[nodiscard]] const std::string& spec() const { return spec_; }

 private:
  std::string spec_;
};

}  // namespace murder::store
