// The torrents of a state in etcd, and how one is named.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "coordinator/store/bounds.h"
#include "coordinator/store/etcd_store.h"
#include "coordinator/store/torrent_texts.h"
#include "engine/base/endpoint.h"
#include "engine/base/printable.h"

namespace murder::store {
namespace {

constexpr std::string_view scheme = "http://";
constexpr uint16_t etcd_port = 2379;
constexpr int reads_max = 5;  // of a torrent that is replaced meanwhile

tl::unexpected<Error> bad_spec(std::string_view spec, std::string_view what) {
  return fail(ErrorCode::invalid_input,
              fmt::format("etcd:{}: {}. Expected etcd:http://HOST:PORT,http://HOST:PORT or "
                          "etcd:http://HOST:PORT,.../NAME",
                          printable_value(spec), what));
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= limits::etcd_name_bytes_max &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
             std::string_view::npos;
}

// "HOST:PORT" as a URL; nullopt for anything else.
std::optional<std::string> url_of(std::string_view text) {
  if (text.starts_with(scheme)) {
    text.remove_prefix(scheme.size());
  }
  const std::optional<HostPort> place = HostPort::parse(text, etcd_port);
  if (!place || place->host.empty() || text.find("//") != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(scheme) + place->text();
}

}  // namespace

Result<std::unique_ptr<RecordStore>> EtcdStore::open(std::string_view spec, Access access) {
  std::string_view rest = spec;
  EtcdKeys keys{.prefix = "murder/"};
  // What is behind the last server's authority is the state's name.
  const size_t last = rest.rfind(',') == std::string_view::npos ? 0 : rest.rfind(',') + 1;
  const size_t authority = rest.substr(last).starts_with(scheme) ? last + scheme.size() : last;
  if (const size_t slash = rest.find('/', authority); slash != std::string_view::npos) {
    const std::string_view name = rest.substr(slash + 1);
    if (!name.empty() && !is_name(name)) {
      return bad_spec(spec, "a name has letters, digits, '-', '_' and '.'");
    }
    if (!name.empty()) {
      keys.prefix += fmt::format("{}/", name);
    }
    rest = rest.substr(0, slash);
  }
  std::vector<std::string> endpoints;
  while (true) {
    const size_t comma = std::min(rest.find(','), rest.size());
    std::optional<std::string> url = url_of(rest.substr(0, comma));
    if (!url) {
      return bad_spec(spec, fmt::format("'{}' is not a server's address",
                                        printable_value(rest.substr(0, comma))));
    }
    if (endpoints.size() == limits::etcd_endpoints_max) {
      return bad_spec(spec, fmt::format("more than {} servers", limits::etcd_endpoints_max));
    }
    endpoints.push_back(std::move(*url));
    if (comma == rest.size()) {
      break;
    }
    rest.remove_prefix(comma + 1);
  }
  return std::make_unique<EtcdStore>(std::move(endpoints), std::move(keys), access);
}

std::string EtcdStore::torrent_key(const InfoHash& info_hash) const {
  return keys_.torrents() + info_hash.hex();
}

Result<EtcdStore::NamedTorrent> EtcdStore::find_torrent(const InfoHash& info_hash) {
  const std::string key = torrent_key(info_hash);
  const Result<EtcdValues> found = client_.range({.from = key});
  if (!found) {
    return fail(found.error());
  }
  if (found->values.empty()) {
    return NamedTorrent{};
  }
  Result<EtcdBlob> blob = parse_blob(found->values.front().value);
  if (!blob) {
    return fail(blob.error());
  }
  return NamedTorrent{.mod_revision = found->values.front().mod_revision, .blob = std::move(*blob)};
}

Result<std::vector<EtcdValue>> EtcdStore::read_torrent_keys() {
  std::vector<EtcdValue> all;
  std::string next = keys_.torrents();
  const std::string end = end_of_prefix(next);
  while (true) {
    Result<EtcdValues> page =
        client_.range({.from = next, .end = end, .limit = limits::etcd_page_keys_max});
    if (!page) {
      return fail(page.error());
    }
    std::move(page->values.begin(), page->values.end(), std::back_inserter(all));
    if (!page->has_more || page->values.empty()) {
      return all;
    }
    next = all.back().key + '\0';
  }
}

Status EtcdStore::write_torrent(const InfoHash& info_hash, std::span<const std::byte> content) {
  const Result<EtcdValues> others = client_.range(
      {.from = keys_.torrents(), .end = end_of_prefix(keys_.torrents()), .count_only = true});
  const Result<NamedTorrent> before = others ? find_torrent(info_hash) : fail(others.error());
  if (!before) {
    return settle(fail(before.error()));
  }
  if (before->mod_revision == 0 && others->count >= limits::store_torrents_max) {
    return fail(too_many_torrents(name()));
  }
  const Result<EtcdBlob> blob =
      blobs_.write({reinterpret_cast<const char*>(content.data()), content.size()});
  if (!blob) {
    return settle(fail(blob.error()));
  }
  const Result<uint64_t> named =
      lead_.write_with({}, torrent_key(info_hash), before->mod_revision, text_of(*blob));
  if (!named) {
    return settle(fail(named.error()));
  }
  return settle(blobs_.erase(before->blob));
}

Status EtcdStore::erase_torrent(const InfoHash& info_hash) {
  const Result<NamedTorrent> before = find_torrent(info_hash);
  if (!before) {
    return settle(fail(before.error()));
  }
  if (before->mod_revision == 0) {
    return {};
  }
  const Result<uint64_t> gone =
      lead_.write_with({}, torrent_key(info_hash), before->mod_revision, "");
  return settle(gone ? blobs_.erase(before->blob) : fail(gone.error()));
}

Result<std::vector<std::byte>> EtcdStore::get_torrent(const InfoHash& info_hash) {
  for (int reads = 1;; ++reads) {
    const Result<NamedTorrent> torrent = find_torrent(info_hash);
    if (!torrent) {
      return fail(in_context(torrent.error()));
    }
    if (torrent->mod_revision == 0) {
      return fail(no_such_torrent(name(), info_hash));
    }
    const Result<std::string> content = blobs_.read(torrent->blob);
    if (content) {
      const auto* bytes = reinterpret_cast<const std::byte*>(content->data());
      return std::vector<std::byte>(bytes, bytes + content->size());
    }
    if (content.error().code != ErrorCode::not_found || reads == reads_max) {
      return fail(ErrorCode::io, in_context(content.error()).text);
    }
  }
}

Result<std::vector<InfoHash>> EtcdStore::list_torrents() {
  const Result<std::vector<EtcdValue>> torrents = read_torrent_keys();
  if (!torrents) {
    return fail(in_context(torrents.error()));
  }
  std::vector<InfoHash> ids;
  for (const EtcdValue& torrent : *torrents) {
    if (const auto id = InfoHash::from_hex(torrent.key.substr(keys_.torrents().size()))) {
      ids.push_back(*id);
    }
  }
  return ids;
}

}  // namespace murder::store
