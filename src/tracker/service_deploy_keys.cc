#include "tracker/service_deploy_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "tracker/bounds.h"

namespace murder::tracker {
namespace {

trust::KeyPair pair_of_secret(const trust::Secret& secret) {
  trust::KeyPair pair{.count = 1};
  pair.secrets[0] = secret;
  return pair;
}

}  // namespace

DeployKeys::Key::Key(const trust::Secret& secret)
    : pair_(pair_of_secret(secret)),
      tokens_(trust::FleetKeys{.fleet = pair_of_secret(secret), .opener = {}}) {}

Status DeployKeys::add(std::string_view user, const trust::Secret& secret, Instant now) {
  const auto same = std::ranges::find_if(
      keys_, [&](const auto& key) { return trust::is_same(key->pair_.first(), secret); });
  if (same != keys_.end() && std::ranges::count((*same)->users_, user) != 0) {
    (*same)->used_at_ = now;
    return {};
  }
  if (same != keys_.end() && (*same)->users_.size() == limits::deploy_key_users_max) {
    return fail(ErrorCode::limit,
                fmt::format("{} deploys use this key", limits::deploy_key_users_max));
  }
  Key* key = same == keys_.end() ? nullptr : same->get();
  remove(user);
  if (key == nullptr) {
    if (keys_.size() == limits::deploy_keys_max) {
      std::erase_if(keys_, [now](const auto& each) {
        return now - each->used_at_ >= limits::deploy_key_kept;
      });
    }
    if (keys_.size() == limits::deploy_keys_max) {
      return fail(ErrorCode::limit,
                  fmt::format("{} deploys use this tracker: wait until one has ended",
                              limits::deploy_keys_max));
    }
    keys_.push_back(std::make_unique<Key>(secret));
    key = keys_.back().get();
  }
  key->users_.emplace_back(user);
  key->used_at_ = now;
  return {};
}

void DeployKeys::remove(std::string_view user) {
  for (const auto& key : keys_) {
    std::erase(key->users_, user);
  }
  std::erase_if(keys_, [](const auto& key) { return key->users_.empty(); });
}

DeployKeys::Found DeployKeys::find(std::string_view path, std::string_view query, uint64_t now_s,
                                   Instant now) {
  for (const auto& key : keys_) {
    const trust::Right right = key->tokens_.right_of(path, query, now_s);
    if (right != trust::Right::none) {
      key->used_at_ = now;
      return {.key = key.get(), .right = right};
    }
  }
  return {};
}

const DeployKeys::Key* DeployKeys::owner_of(const InfoHash& info_hash) const {
  const auto found = std::ranges::find_if(keys_, [&info_hash](const auto& key) {
    return std::ranges::count(key->releases_, info_hash) != 0;
  });
  return found == keys_.end() ? nullptr : found->get();
}

void DeployKeys::claim(Key& key, const InfoHash& info_hash) {
  if (std::ranges::count(key.releases_, info_hash) != 0) {
    return;
  }
  if (key.releases_.size() == limits::deploy_key_releases_max) {
    key.releases_.erase(key.releases_.begin());
  }
  key.releases_.push_back(info_hash);
}

}  // namespace murder::tracker
