#include "engine/host/torrent_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <vector>

#include "engine/base/own_file.h"
#include "engine/codec/bounds.h"
#include "engine/hash/info_hash.h"
#include "engine/http/blocking_client.h"
#include "engine/io/sockets.h"

namespace murder::host {
namespace {

constexpr Duration download_timeout = std::chrono::seconds(60);

Result<std::string> read_all(int fd, const std::string& what) {
  struct stat status {};
  // Of a file the size is known, so that a large one is not moved again and again.
  const size_t size_hint =
      fstat(fd, &status) == 0 && S_ISREG(status.st_mode)
          ? static_cast<size_t>(std::min<off_t>(status.st_size, off_t{limits::torrent_bytes_max})) +
                1
          : 0;
  std::string content;
  std::vector<char> part(64 * 1024);
  while (true) {
    const ssize_t size = read(fd, part.data(), part.size());
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size < 0) {
      return fail_errno(errno, "cannot read " + what);
    }
    if (size == 0) {
      return content;
    }
    if (content.size() + static_cast<size_t>(size) > content.capacity()) {
      content.reserve(std::max(content.capacity() * 2, size_hint));
    }
    content.append(part.data(), static_cast<size_t>(size));
    if (content.size() > limits::torrent_bytes_max) {
      return fail(ErrorCode::limit, what + " is too large for a torrent");
    }
  }
}

Result<std::string> read_file(const std::string& path, bool must_be_ours) {
  io::Fd fd;
  if (must_be_ours) {
    const Result<int> own = open_own_file(path, O_RDONLY);
    if (!own) {
      return fail(own.error().code, "the torrent: " + own.error().text);
    }
    fd = io::Fd(*own);
  } else {
    fd = io::Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (!fd.is_open()) {
    return fail_errno(errno, "cannot open the torrent " + path);
  }
  return read_all(fd.get(), "the torrent " + path);
}

Result<std::string> download(const std::string& url, const std::string& pins) {
  const Result<http::Reply> reply = http::blocking_request(
      url,
      {.timeout = download_timeout, .body_bytes_max = limits::torrent_bytes_max, .pins = pins});
  if (!reply) {
    return fail(reply.error().code, fmt::format("cannot fetch {}: {}", url, reply.error().text));
  }
  if (reply->status != 200) {
    return fail(
        ErrorCode::network,
        fmt::format("cannot fetch {}: the server answered with status {}", url, reply->status));
  }
  return reply->body;
}

Result<TorrentInput> parse_torrent(std::string_view content, const std::string& name) {
  if (content.empty()) {
    return fail(ErrorCode::invalid_input, name + " is not a usable torrent: it is empty");
  }
  Result<codec::Metainfo> metainfo = codec::parse_metainfo(as_bytes_of(content));
  if (!metainfo) {
    return fail(metainfo.error().code,
                fmt::format("{} is not a usable torrent: {}", name, metainfo.error().text));
  }
  const InfoHash info_hash = hash::info_hash_of(as_bytes_of(metainfo->raw_info));
  metainfo->raw_info = {};  // of what is freed now
  return TorrentInput{std::move(*metainfo), info_hash};
}

}  // namespace

std::string_view key_lines_of(std::string_view text) {
  constexpr std::string_view key_begin = "murder-";
  size_t bytes = 0;
  while (bytes <= limits::fleet_key_file_bytes_max && text.substr(bytes).starts_with(key_begin)) {
    const size_t end = text.find('\n', bytes);
    if (end == std::string_view::npos) {
      break;
    }
    bytes = end + 1;
  }
  return text.substr(0, bytes);
}

Result<TorrentInput> read_torrent(int fd, const std::string& name) {
  const Result<std::string> content = read_all(fd, name);
  if (!content) {
    return fail(content.error());
  }
  // A torrent begins with a 'd'.
  const std::string_view key_lines = key_lines_of(*content);
  Result<TorrentInput> torrent =
      parse_torrent(std::string_view(*content).substr(key_lines.size()), name);
  if (torrent && !key_lines.empty()) {
    const Result<trust::FleetKeys> keys = trust::parse_fleet_keys(key_lines, name);
    if (!keys) {
      return fail(keys.error());
    }
    torrent->fleet_keys = *keys;
  }
  return torrent;
}

Result<TorrentInput> load_torrent(const std::string& where, bool is_acted_on,
                                  const std::string& pins) {
  const bool is_url = where.starts_with("http://") || where.starts_with("https://");
  const Result<std::string> content =
      is_url ? download(where, pins) : read_file(where, is_acted_on);
  return content ? parse_torrent(*content, where) : fail(content.error());
}

}  // namespace murder::host
