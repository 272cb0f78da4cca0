// Texts in which the kernel shows its settings, taken apart and put together. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace murder::cli::tune {

// "4096\t131072\t6291456\n" -> "4096 131072 6291456"
[[nodiscard]] std::string one_space_between(std::string_view text);

// All numbers of a line; empty when a word of it is not a number.
[[nodiscard]] std::vector<uint64_t> numbers_in(std::string_view text);

// "0-3,8" -> 0 1 2 3 8. What is not such a list is empty; at most 4096 processors are listed.
[[nodiscard]] std::vector<uint32_t> cpus_in(std::string_view list);

// "always [madvise] never" -> "madvise"; the word itself where it is the only one; else empty.
[[nodiscard]] std::string marked_word(std::string_view text);

// Of one of the drop-ins that systemd reads: "Key=value" lines. The last one of a key counts.
// Returns key and value in the order of the lines; comments and section heads are left out.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> settings_in(std::string_view text);

[[nodiscard]] std::string hex_of(std::string_view bytes);
// Empty and false: it is not hexadecimal.
[[nodiscard]] bool bytes_of_hex(std::string_view hex, std::string* ret_bytes);

}  // namespace murder::cli::tune
