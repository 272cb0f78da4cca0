#include "engine/trust/known_hosts.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "engine/base/printable.h"
#include "engine/trust/base64.h"
#include "engine/trust/bounds.h"
#include "engine/trust/hmac.h"
#include "engine/trust/key_line.h"
#include "engine/trust/pattern.h"

namespace murder::trust {
namespace {

constexpr std::string_view hash_magic = "|1|";  // HMAC-SHA1 of the name
constexpr uint16_t ssh_port = 22;

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& each : lower) {
    each = each >= 'A' && each <= 'Z' ? static_cast<char>(each - 'A' + 'a') : each;
  }
  return lower;
}

std::string_view take_host_word(std::string_view& rest) {
  const std::string_view word = rest.substr(0, rest.find_first_of(" \t"));
  rest.remove_prefix(word.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  return word;
}

// nullopt: a line that says nothing to us.
std::optional<KnownHost> read_known_host(std::string_view line, uint32_t number) {
  KnownHost host{.line = number};
  if (line.front() == '@') {
    const std::string_view mark = take_host_word(line);
    if (mark != "@cert-authority" && mark != "@revoked") {
      return std::nullopt;
    }
    host.mark = mark == "@revoked" ? KnownHost::Mark::revoked : KnownHost::Mark::authority;
  }
  const std::string_view names = take_host_word(line);
  const std::string_view type_name = take_host_word(line);
  Result<PublicKey> key = parse_key_words(type_name, take_host_word(line));
  if (!key || names.empty() || names.size() > limits::known_host_names_bytes_max) {
    return std::nullopt;
  }
  host.names = names.starts_with(hash_magic) ? std::string(names) : in_lower_case(names);
  host.key = std::move(*key);
  return host;
}

// "|1|SALT|HASH", both in base64.
bool matches_hashed(std::string_view name, std::string_view hashed) {
  hashed.remove_prefix(hash_magic.size());
  const size_t bar = hashed.find('|');
  if (bar == std::string_view::npos) {
    return false;
  }
  const std::optional<std::string> salt = decode_base64(hashed.substr(0, bar));
  const std::optional<std::string> hash = decode_base64(hashed.substr(bar + 1));
  if (!salt || !hash) {
    return false;
  }
  const Sha1Digest expected = hmac_sha1(as_bytes_of(*salt), as_bytes_of(name));
  return is_same(expected.bytes, as_bytes_of(*hash));
}

bool matches_names(std::string_view name, const KnownHost& host) {
  return host.names.starts_with(hash_magic) ? matches_hashed(name, host.names)
                                            : matches_pattern_list(name, host.names);
}

// As ssh writes it.
std::string known_name_of(std::string_view host, uint16_t port) {
  const std::string lower = in_lower_case(host);
  return port == ssh_port ? lower : fmt::format("[{}]:{}", lower, port);
}

tl::unexpected<Error> unknown_key(const PublicKey& key, std::string_view why) {
  return fail(ErrorCode::untrusted,
              fmt::format("its ssh key {} ({}) {}", fingerprint_of(key), name_of(key.type), why));
}

}  // namespace

Result<KnownHosts> KnownHosts::parse(std::string_view text) {
  if (text.size() > limits::known_hosts_bytes_max) {
    return fail(ErrorCode::limit,
                fmt::format("it is larger than {} bytes", limits::known_hosts_bytes_max));
  }
  KnownHosts known;
  for (uint32_t number = 1; !text.empty(); ++number) {
    const size_t size = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.empty() || line.front() == '#') {
      continue;
    }
    if (known.hosts_.size() == limits::known_hosts_max) {
      return fail(ErrorCode::limit,
                  fmt::format("it has more than {} keys", limits::known_hosts_max));
    }
    if (std::optional<KnownHost> host = read_known_host(line, number)) {
      known.hosts_.push_back(std::move(*host));
    } else {
      ++known.fault_count_;
    }
  }
  std::ranges::sort(known.hosts_, [](const KnownHost& one, const KnownHost& other) {
    return std::tie(one.key.blob, one.line) < std::tie(other.key.blob, other.line);
  });
  return known;
}

const KnownHost* KnownHosts::find(const std::string& name, const PublicKey& key,
                                  KnownHost::Mark mark) const {
  auto host = std::ranges::lower_bound(
      hosts_, key.blob, {},
      [](const KnownHost& each) -> const std::string& { return each.key.blob; });
  for (; host != hosts_.end() && host->key == key; ++host) {
    if (host->mark == mark && matches_names(name, *host)) {
      return &*host;
    }
  }
  return nullptr;
}

Status KnownHosts::check(std::string_view host, uint16_t port, const PublicKey& key) const {
  const std::string name = known_name_of(host, port);
  if (const KnownHost* revoked = find(name, key, KnownHost::Mark::revoked)) {
    return unknown_key(key, fmt::format("is revoked (line {})", revoked->line));
  }
  if (find(name, key, KnownHost::Mark::none) == nullptr) {
    return unknown_key(key,
                       fmt::format("is not one of {} in the known hosts", printable_value(name)));
  }
  return {};
}

Status KnownHosts::check(std::string_view host, uint16_t port, const Certificate& certificate,
                         int64_t now_s) const {
  const std::string name = known_name_of(host, port);
  for (const PublicKey* key : {&certificate.key, &certificate.authority}) {
    if (const KnownHost* revoked = find(name, *key, KnownHost::Mark::revoked)) {
      return unknown_key(*key, fmt::format("is revoked (line {})", revoked->line));
    }
  }
  if (find(name, certificate.authority, KnownHost::Mark::authority) == nullptr) {
    return unknown_key(certificate.authority,
                       fmt::format("certifies it, and is not an authority of {} in the known hosts",
                                   printable_value(name)));
  }
  // Certificates name hosts without a port.
  return verify_host_certificate(certificate, in_lower_case(host), now_s);
}

}  // namespace murder::trust
