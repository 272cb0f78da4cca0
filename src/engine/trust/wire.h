// The data types of ssh (RFC 4251, section 5): what keys and signatures are made of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace murder::trust {

// Takes values from the front of bytes, which outlive it. After a nullopt nothing more is read.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] std::optional<std::string_view> string();
  [[nodiscard]] std::optional<uint8_t> byte();
  [[nodiscard]] std::optional<uint32_t> uint32();
  [[nodiscard]] std::optional<uint64_t> uint64();
  // A positive number, big-endian without zeros in front. nullopt when it is zero, negative, or not
  // written in the shortest way: two spellings of one key would be two keys.
  [[nodiscard]] std::optional<std::string_view> canonical_number();
  // The same of a signature, where zeros in front are passed over, as OpenSSH does.
  [[nodiscard]] std::optional<std::string_view> number();

  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool is_empty() const { return rest_.empty(); }

 private:
  std::optional<std::string_view> take(size_t bytes);

  std::string_view rest_;
};

void append_uint32(std::string& out, uint32_t value);
void append_string(std::string& out, std::string_view bytes);

}  // namespace murder::trust
