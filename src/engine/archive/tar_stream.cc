#include "engine/archive/tar_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/base/ensure.h"

namespace murder::archive {

TarStream::TarStream(std::unique_ptr<DecodedSource> source, std::string name)
    : source_(std::move(source)), name_(std::move(name)), buffer_(buffer_bytes) {}

Result<std::span<const uint8_t>> TarStream::look(size_t count) {
  ENSURE(count <= buffer_.size());
  if (end_ - begin_ < count && begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  while (end_ - begin_ < count && !has_ended_) {
    const Result<size_t> got = source_->read(std::span(buffer_).subspan(end_));
    if (!got) {
      return fail(got.error());
    }
    has_ended_ = *got == 0;
    end_ += *got;
  }
  return std::span<const uint8_t>(buffer_).subspan(begin_, std::min(count, end_ - begin_));
}

Result<std::span<const uint8_t>> TarStream::take_some(uint64_t count) {
  if (const Result<std::span<const uint8_t>> one = look(1); !one) {
    return one;
  }
  const auto some = static_cast<size_t>(std::min<uint64_t>(count, end_ - begin_));
  if (some == 0) {
    return cut_off();
  }
  begin_ += some;
  return std::span<const uint8_t>(buffer_).subspan(begin_ - some, some);
}

Status TarStream::pass_over(uint64_t count) {
  while (count > 0) {
    const Result<std::span<const uint8_t>> some = take_some(count);
    if (!some) {
      return fail(some.error());
    }
    count -= some->size();
  }
  return {};
}

Result<bool> TarStream::drain_some() {
  const Result<size_t> got = source_->read(buffer_);
  begin_ = 0;
  end_ = 0;
  return got ? Result<bool>(*got > 0) : fail(got.error());
}

tl::unexpected<Error> TarStream::damaged(std::string_view what) const {
  return fail(ErrorCode::invalid_input, fmt::format("{} is damaged: {}", name_, what));
}

}  // namespace murder::archive
