#include "cli/commands/coordinate/line_input.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>

#include "engine/base/monotonic_clock.h"

namespace murder::cli {
namespace {

// A torrent of some MiB in base64, and what goes with it.
constexpr size_t input_line_bytes_max = 64 * 1024 * 1024;
constexpr size_t input_part_bytes = 64 * 1024;

}  // namespace

LineInput::LineInput() {
  const int flags = fcntl(STDIN_FILENO, F_GETFL);
  has_ended_ = flags < 0 || fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK) != 0;
}

// What can be read now.
void LineInput::fill() {
  const auto part = std::make_unique<std::array<char, input_part_bytes>>();
  while (!has_ended_) {
    const ssize_t size = read(STDIN_FILENO, part->data(), part->size());
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size < 0 && errno == EAGAIN) {
      break;
    }
    if (size <= 0 || text_.size() > input_line_bytes_max) {
      has_ended_ = true;
      break;
    }
    text_.append(part->data(), static_cast<size_t>(size));
  }
}

// The first object of what was read.
std::optional<Json> LineInput::next() {
  std::optional<Json> object;
  size_t start = 0;
  for (size_t end = text_.find('\n'); !object && end != std::string::npos;
       end = text_.find('\n', start)) {
    if (Result<Json> json = parse_json(std::string_view(text_).substr(start, end - start));
        json && json->is_object()) {
      object = std::move(*json);
    }
    start = end + 1;
  }
  text_.erase(0, start);
  return object;
}

std::vector<Json> LineInput::take() {
  fill();
  std::vector<Json> objects;
  while (std::optional<Json> object = next()) {
    objects.push_back(std::move(*object));
  }
  return objects;
}

Result<Json> LineInput::wait_for_first(Duration most) {
  const Instant deadline = monotonic_now() + most;
  while (true) {
    fill();
    if (std::optional<Json> object = next()) {
      return std::move(*object);
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - monotonic_now());
    if (has_ended_ || left.count() <= 0) {
      return fail(has_ended_ ? ErrorCode::invalid_input : ErrorCode::timeout,
                  "standard input: no line of JSON came");
    }
    pollfd source{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    ::poll(&source, 1, static_cast<int>(left.count()));
  }
}

int LineInput::wait_fd() const {
  return has_ended_ ? -1 : STDIN_FILENO;
}

}  // namespace murder::cli
