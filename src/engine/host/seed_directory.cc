#include "engine/host/seed_directory.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <filesystem>

#include "engine/archive/file.h"
#include "engine/base/tag.h"

namespace murder::host {
namespace {

constexpr std::array endings = {".torrent", ".tar.zst.torrent", ".tar.gz.torrent", ".tar.torrent"};

bool is_file(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
}

}  // namespace

Result<std::string> find_content(const std::string& torrent_path, const codec::Metainfo& metainfo) {
  const std::filesystem::path torrent(torrent_path);
  const std::string beside = (torrent.parent_path() / metainfo.name).string();
  std::error_code error;
  if (torrent_path != "-" && std::filesystem::exists(beside, error)) {
    return beside;
  }
  return fail(ErrorCode::not_found,
              fmt::format("{} is not beside the torrent; name it: murder seed {} FILE",
                          metainfo.name, torrent_path));
}

std::string unescape_instance(std::string_view text) {
  constexpr size_t escape_size = 4;  // \xHH
  std::string plain;
  while (!text.empty()) {
    uint8_t byte = 0;
    const bool begins = text.size() >= escape_size && text.starts_with("\\x");
    if (begins) {
      const char* const end = text.data() + escape_size;
      const auto [stop, error] = std::from_chars(text.data() + 2, end, byte, 16);
      if (error == std::errc{} && stop == end) {
        plain += static_cast<char>(byte);
        text.remove_prefix(escape_size);
        continue;
      }
    }
    plain += text.front();
    text.remove_prefix(1);
  }
  return plain;
}

Result<std::string> find_torrent(const std::string& directory, const std::string& tag) {
  for (const std::string& name : {tag, unescape_instance(tag)}) {
    if (Status valid = validate_tag(name); !valid) {
      return fail(valid.error());
    }
    for (const char* ending : endings) {
      const std::string path = archive::join_path(directory, name + ending);
      if (is_file(path)) {
        return path;
      }
    }
  }
  return fail(ErrorCode::not_found,
              fmt::format("there is no {0}.torrent in {1}: put the torrent of the release and its "
                          "archive there",
                          unescape_instance(tag), directory));
}

}  // namespace murder::host
