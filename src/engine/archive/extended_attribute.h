// An extended attribute of a file, as the kernel has it: access lists and file capabilities too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace murder::archive {

struct ExtendedAttribute {
  std::string name;   // "user.origin", "security.capability", "system.posix_acl_access"
  std::string value;  // raw bytes

  [[nodiscard]] uint64_t size_bytes() const { return name.size() + value.size(); }

  bool operator==(const ExtendedAttribute&) const = default;
};

// Whether an archive carries it: those of users, file capabilities, access lists, and trusted ones.
// Not labels and signatures that belong to one host (SELinux, IMA, EVM), nor an overlay's own.
[[nodiscard]] bool is_portable_attribute(std::string_view name);

}  // namespace murder::archive
