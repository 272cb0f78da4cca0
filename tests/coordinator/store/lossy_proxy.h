// Between a client and one etcd: passes requests on, and does to answers what networks do.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace murder::store {

class LossyProxy {
 public:
  enum class Mode : uint8_t {
    pass,
    lose_answer,    // the request takes place, and nobody hears of it
    hold,           // it takes place when let_go() is called
    hold_and_fail,  // the same, and the client is told that it failed
    refuse,         // the connection is closed at once
  };

  explicit LossyProxy(std::string target_url);
  LossyProxy(const LossyProxy&) = delete;
  LossyProxy& operator=(const LossyProxy&) = delete;
  ~LossyProxy();

  [[nodiscard]] std::string url() const;
  // For requests whose path ends so; the others pass.
  void set(Mode mode, std::string path_end = "");
  // What was held takes place now, in the order in which it came.
  void let_go();
  [[nodiscard]] size_t touched() const { return touched_; }

 private:
  void serve();
  void answer(int fd);
  std::string forward(const std::string& path, const std::string& body) const;

  std::string target_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<Mode> mode_{Mode::pass};
  std::string path_end_;
  std::atomic<size_t> touched_{0};
  std::atomic<bool> is_over_{false};
  std::vector<std::pair<std::string, std::string>> held_;  // by the thread, until it stands still
  std::thread thread_;
};

}  // namespace murder::store
