#include "engine/archive/release_name.h"

#include "engine/archive/compressor.h"

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

bool is_packed_tree_name(std::string_view name) {
  return tag_of_name(name).size() < name.size();
}

}  // namespace murder::archive
