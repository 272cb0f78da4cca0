#include "engine/archive/release_name.h"

#include <fmt/format.h>

#include "engine/archive/compressor.h"
#include "engine/base/tag.h"

namespace murder::archive {

std::string_view tag_of_name(std::string_view name) {
  for (const ArchiveFormat format :
       {ArchiveFormat::tar_zstd, ArchiveFormat::tar_gzip, ArchiveFormat::tar}) {
    const std::string_view suffix = suffix_of(format);
    if (name.size() > suffix.size() && name.ends_with(suffix)) {
      return name.substr(0, name.size() - suffix.size());
    }
  }
  return name;
}

Result<std::string> valid_tag_of_name(std::string_view name) {
  const std::string_view tag = tag_of_name(name);
  if (Status valid = validate_tag(tag); !valid) {
    return fail(
        valid.error().code,
        fmt::format("the torrent's name gives no usable tag: {}; make it under another name",
                    valid.error().text));
  }
  return std::string(tag);
}

bool is_packed_tree_name(std::string_view name) {
  return tag_of_name(name).size() < name.size();
}

}  // namespace murder::archive
