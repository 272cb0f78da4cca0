#include "engine/host/kept_archives.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "engine/base/fd.h"
#include "engine/base/json.h"
#include "engine/base/small_file.h"

namespace murder::host {
namespace {

constexpr const char* kept_archives_name = "kept-archives.json";
constexpr size_t kept_list_bytes_max = 1024 * 1024;
constexpr size_t kept_archives_max = 1000;

struct KeptArchive {
  std::string path;
  uint64_t device = 0;
  uint64_t inode = 0;
};

SmallFile list_file(const RunDirectory& directory) {
  return {
      .directory_fd = directory.fd(), .directory = directory.path(), .name = kept_archives_name};
}

std::vector<KeptArchive> read_kept_archives(const RunDirectory& directory) {
  std::vector<KeptArchive> list;
  const Result<std::string> text = read_small_file(list_file(directory), kept_list_bytes_max);
  const Result<Json> json = text ? parse_json(*text) : Result<Json>(fail(text.error()));
  if (!json || !json->is_object()) {
    return list;
  }
  for (const Json& each : (*json)["archives"].items()) {
    list.push_back({.path = text_member(each, "path"),
                    .device = count_member(each, "device"),
                    .inode = count_member(each, "inode")});
  }
  return list;
}

// One that cannot be written is one that nobody removes: no more is lost.
void write_kept_archives(const RunDirectory& directory, const std::vector<KeptArchive>& list) {
  if (list.empty()) {
    unlinkat(directory.fd(), kept_archives_name, 0);
    return;
  }
  Json archives = Json::array();
  for (const KeptArchive& each : list) {
    archives.push_back({{"path", each.path}, {"device", each.device}, {"inode", each.inode}});
  }
  static_cast<void>(write_small_file(list_file(directory), json_text({{"archives", archives}})));
}

bool is_file_of(const KeptArchive& archive, struct stat& status) {
  return lstat(archive.path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         status.st_dev == archive.device && status.st_ino == archive.inode;
}

// A peer or seeder that has it open has it locked.
bool remove_unused(const KeptArchive& archive) {
  const Fd file(::open(archive.path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  return file.is_open() && flock(file.get(), LOCK_EX | LOCK_NB) == 0 &&
         is_file_of(archive, status) && unlink(archive.path.c_str()) == 0;
}

}  // namespace

void note_kept_archive(const RunDirectory& directory, const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return;
  }
  std::vector<KeptArchive> list = read_kept_archives(directory);
  std::erase_if(list, [&](const KeptArchive& each) { return each.path == path; });
  if (list.size() < kept_archives_max) {
    list.push_back({.path = path, .device = status.st_dev, .inode = status.st_ino});
    write_kept_archives(directory, list);
  }
}

void forget_kept_archives(const RunDirectory& directory, const std::string& temp_path,
                          std::string_view tag) {
  const std::string base = fmt::format("{}/{}", temp_path, tag);
  std::vector<KeptArchive> list = read_kept_archives(directory);
  const size_t forgotten = std::erase_if(list, [&](const KeptArchive& each) {
    return each.path == base || each.path.starts_with(base + ".tar");
  });
  if (forgotten != 0) {
    write_kept_archives(directory, list);
  }
}

void remove_old_archives(const RunDirectory& directory, time_t now) {
  std::vector<KeptArchive> list = read_kept_archives(directory);
  const size_t before = list.size();
  std::erase_if(list, [now](const KeptArchive& each) {
    struct stat status {};
    if (!is_file_of(each, status)) {
      return true;
    }
    return now - status.st_mtime > kept_archive_age_max_s && remove_unused(each);
  });
  if (list.size() != before) {
    write_kept_archives(directory, list);
  }
}

}  // namespace murder::host
