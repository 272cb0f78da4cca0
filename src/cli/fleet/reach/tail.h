// The end of a stream of text, in bounded memory: never more than twice what is kept.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace murder::fleet {

class Tail {
 public:
  explicit Tail(size_t bytes_max) : bytes_max_(bytes_max) {}

  void append(std::string_view text) {
    if (text.size() >= bytes_max_) {
      is_cut_ = is_cut_ || !text_.empty() || text.size() > bytes_max_;
      text_ = text.substr(text.size() - bytes_max_);
      return;
    }
    text_ += text;
    if (text_.size() > 2 * bytes_max_) {
      trim();
    }
  }
  void remove_last() {
    if (!text_.empty()) {
      text_.pop_back();
    }
  }

  [[nodiscard]] bool is_cut() const { return is_cut_ || text_.size() > bytes_max_; }
  // Leaves it empty.
  [[nodiscard]] std::string take() {
    if (text_.size() > bytes_max_) {
      trim();
    }
    text_.shrink_to_fit();
    is_cut_ = false;
    return std::exchange(text_, {});
  }

 private:
  void trim() {
    text_.erase(0, text_.size() - bytes_max_);
    is_cut_ = true;
  }

  size_t bytes_max_;
  std::string text_;
  bool is_cut_ = false;
};

}  // namespace murder::fleet
