// A file as bytes that are read when they are looked at.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder::fleet {

class MappedFile {
 public:
  [[nodiscard]] static Result<MappedFile> open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  [[nodiscard]] std::string_view bytes() const {
    return {static_cast<const char*>(start_), size_bytes_};
  }

 private:
  MappedFile(void* start, size_t size_bytes) : start_(start), size_bytes_(size_bytes) {}

  void* start_ = nullptr;
  size_t size_bytes_ = 0;
};

}  // namespace murder::fleet
