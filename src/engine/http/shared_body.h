// Text that several answers send at once without a copy each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace murder::http {

// A handle of an immutable text, which lives as long as it has one; for one thread. Empty by
// default.
class SharedBody {
 public:
  SharedBody() = default;
  explicit SharedBody(std::string text) : owned_(new Owned{.text = std::move(text)}) {}
  SharedBody(const SharedBody& other) : owned_(other.owned_) { retain(); }
  SharedBody(SharedBody&& other) noexcept : owned_(std::exchange(other.owned_, nullptr)) {}
  SharedBody& operator=(SharedBody other) noexcept {
    std::swap(owned_, other.owned_);
    return *this;
  }
  ~SharedBody() { release(); }

  [[nodiscard]] bool is_set() const { return owned_ != nullptr; }
  [[nodiscard]] std::string_view text() const {
    return owned_ == nullptr ? std::string_view() : std::string_view(owned_->text);
  }
  void reset() { *this = SharedBody(); }

 private:
  struct Owned {
    std::string text;
    uint32_t handle_count = 1;
  };

  void retain() {
    if (owned_ != nullptr) {
      ++owned_->handle_count;
    }
  }
  void release() {
    if (owned_ != nullptr && --owned_->handle_count == 0) {
      delete owned_;
    }
  }

  Owned* owned_ = nullptr;
};

}  // namespace murder::http
