#include "support.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "engine/archive/directory_cursor.h"
#include "engine/archive/file.h"
#include "engine/archive/tar_header.h"
#include "engine/archive/tree_removal.h"
#include "engine/hash/sha1.h"

namespace murder::archive::testing {

TemporaryDirectory::TemporaryDirectory() {
  std::string name = std::filesystem::temp_directory_path() / "murder-test-XXXXXX";
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  REQUIRE(::chmod(name.c_str(), 0755) == 0);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  CHECK(remove_tree(path_));
}

Status MemorySink::write(std::span<const uint8_t> bytes) {
  content.append(as_text_of(bytes));
  return {};
}

Result<size_t> MemorySource::read(std::span<uint8_t> into) {
  const size_t part = std::min(into.size(), content_.size() - at_);
  std::memcpy(into.data(), content_.data() + at_, part);
  at_ += part;
  return part;
}

void make_directory(const std::string& path, mode_t mode) {
  REQUIRE(::mkdir(path.c_str(), 0700) == 0);
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

void write_file(const std::string& path, std::string_view content, mode_t mode) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
  REQUIRE(file.is_open());
  REQUIRE(write_all(file.get(), as_bytes_of(content), path));
  REQUIRE(::fchmod(file.get(), mode) == 0);
}

void write_file_at(const std::string& path, uint64_t offset, std::string_view content) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT, 0644));
  REQUIRE(file.is_open());
  REQUIRE(write_all_at(file.get(), as_bytes_of(content), offset, path));
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void set_time(const std::string& path, int64_t seconds, uint32_t nanoseconds) {
  const struct timespec time { .tv_sec = seconds, .tv_nsec = static_cast<long>(nanoseconds) };
  const struct timespec times[2] = {time, time};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

uint64_t blocks_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return static_cast<uint64_t>(status.st_blocks);
}

std::vector<std::string> listing(const std::string& path) {
  const Result<Fd> root = open_file(path, O_RDONLY | O_DIRECTORY);
  REQUIRE(root);
  Observer silent;
  const Result<Tree> tree = walk_tree(root->get(), {.root_name = path}, silent);
  REQUIRE_MESSAGE(tree, (tree ? "" : tree.error().text));
  DirectoryCursor cursor(root->get());
  std::vector<std::string> lines;
  for (const TreeEntry& entry : tree->entries) {
    std::string digest;
    if (entry.type == EntryType::file) {
      DirectoryCursor::Place place;
      REQUIRE(cursor.enter_parent(entry.path, &place) == 0);
      const Fd file(::openat(place.directory_fd, place.name, O_RDONLY | O_NOFOLLOW));
      REQUIRE(file.is_open());
      std::vector<uint8_t> content(entry.size_bytes);
      REQUIRE(read_at(file.get(), content, 0, entry.path).value() == content.size());
      digest = hash::sha1(content).hex();
    }
    lines.push_back(fmt::format("{} type={} mode={:o} time={}.{} size={} sha1={} link={}",
                                entry.path, static_cast<int>(entry.type), entry.mode,
                                entry.mtime.seconds, entry.mtime.nanoseconds, entry.size_bytes,
                                digest, entry.link_target));
  }
  return lines;
}

namespace {

std::string random_name(Prng& prng, std::set<std::string>& taken, const std::string& directory) {
  static const std::vector<std::string> odd = {
      "größe", "日本語", "\xff\xfe", "new\nline", " lead", "-dash", "e\xcc\x81",
      "tab\t", "*?[]",   "a:b",      "\\back",    "..x",   "...",   "\"quote'"};
  while (true) {
    std::string name;
    switch (prng.below(4)) {
      case 0:
        name = odd[prng.below(static_cast<uint32_t>(odd.size()))];
        break;
      case 1:
        name = std::string(1 + prng.below(255), static_cast<char>('a' + prng.below(26)));
        break;
      default:
        name = fmt::format("n{}", prng.below(100000));
    }
    if (taken.insert(directory + "/" + name).second) {
      return name;
    }
  }
}

void make_sparse(const std::string& path, Prng& prng) {
  write_file(path, "");
  const uint64_t size = 4096ULL * (16 + prng.below(256)) + prng.below(4096);
  REQUIRE(::truncate(path.c_str(), static_cast<off_t>(size)) == 0);
  for (uint32_t count = prng.below(4); count > 0; --count) {
    const std::string data = random_text(prng, 1 + prng.below(5000));
    write_file_at(path, prng.below(static_cast<uint32_t>(size - data.size())), data);
  }
}

}  // namespace

void make_random_tree(const std::string& path, Prng& prng, uint32_t entry_count) {
  static constexpr mode_t modes[] = {0644, 0755, 0600, 0444, 0400, 04755, 02755, 0777};
  std::vector<std::string> directories = {path};
  std::vector<std::string> files;
  std::set<std::string> taken;
  make_directory(path);
  for (uint32_t count = 0; count < entry_count; ++count) {
    // The newest directory now and then, so that it gets deep.
    const std::string directory =
        prng.below(3) == 0 ? directories.back()
                           : directories[prng.below(static_cast<uint32_t>(directories.size()))];
    const std::string made = directory + "/" + random_name(prng, taken, directory);
    if (made.size() > 3000) {
      continue;
    }
    switch (prng.below(8)) {
      case 0:
      case 1:
        make_directory(made);
        directories.push_back(made);
        continue;
      case 2:
        REQUIRE(::symlink(random_name(prng, taken, "target").c_str(), made.c_str()) == 0);
        files.push_back(made);
        set_time(made, prng.below(2000000000), prng.below(1000000000));
        continue;
      case 3:
        if (!files.empty()) {
          REQUIRE(::link(files[prng.below(static_cast<uint32_t>(files.size()))].c_str(),
                         made.c_str()) == 0);
        }
        continue;
      case 4:
        make_sparse(made, prng);
        break;
      default:
        write_file(made, random_text(prng, prng.below(5) == 0 ? 0 : prng.below(20000)));
    }
    files.push_back(made);
    REQUIRE(::chmod(made.c_str(), modes[prng.below(8)]) == 0);
    set_time(made, static_cast<int64_t>(prng.below(2000000000)) - 100000,
             prng.below(2) * 123456789);
  }
  for (auto directory = directories.rbegin(); directory != directories.rend(); ++directory) {
    static constexpr mode_t directory_modes[] = {0755, 0700, 01777, 0555, 02755};
    REQUIRE(::chmod(directory->c_str(), directory_modes[prng.below(5)]) == 0);
    set_time(*directory, prng.below(2000000000), prng.below(1000000000));
  }
}

std::string raw_tar(const std::vector<RawEntry>& entries) {
  std::string tar;
  for (const RawEntry& raw : entries) {
    TreeEntry entry;
    entry.path = raw.path;
    entry.type = raw.type;
    entry.mode = raw.mode;
    entry.size_bytes = raw.content.size();
    entry.link_target = raw.link_target;
    std::string header = tar_header(entry);
    if (raw.tar_type != '\0') {
      char* block = header.data() + header.size() - tar_block_bytes;
      block[156] = raw.tar_type;
      std::memset(block + 148, ' ', 8);
      uint32_t sum = 0;
      for (size_t index = 0; index < tar_block_bytes; ++index) {
        sum += static_cast<unsigned char>(block[index]);
      }
      fmt::format_to_n(block + 148, 7, "{:06o}\0", sum);
    }
    tar += header + raw.content + std::string(tar_padding_bytes(raw.content.size()), '\0');
  }
  return tar + std::string(tar_end_bytes, '\0');
}

namespace {

bool runs_in_child(const std::function<bool()>& body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool is_right = false;
    try {
      is_right = body();
    } catch (...) {
      // A REQUIRE that failed.
    }
    ::_exit(is_right ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

bool runs_unprivileged(const std::function<bool()>& body) {
  return runs_in_child([&body] {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) {
      return false;
    }
    return body();
  });
}

bool runs_on_small_disk(const std::string& path, uint64_t bytes,
                        const std::function<bool()>& body) {
  return runs_in_child([&] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", path.c_str(), "tmpfs", 0, fmt::format("size={}", bytes).c_str()) != 0) {
      return true;
    }
    return body();
  });
}

}  // namespace murder::archive::testing
