#include "engine/archive/compressor.h"

#include "engine/base/ensure.h"

namespace murder::archive {

std::string_view suffix_of(ArchiveFormat format) {
  switch (format) {
    case ArchiveFormat::tar_zstd:
      return ".tar.zst";
    case ArchiveFormat::tar_gzip:
      return ".tar.gz";
    case ArchiveFormat::tar:
      return ".tar";
  }
  ENSURE(false);
}

}  // namespace murder::archive
