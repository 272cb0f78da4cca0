// Keys that deploys bring along for the time that they are at work (docs/protocol.md, "Keys of
// deploys"): who has one deals with the releases of that deploy alone. Pure but for the memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/trust/request_token.h"

namespace murder::tracker {

// Lives on the thread of its service. At most limits::deploy_keys_max keys, each of at most
// limits::deploy_key_users_max deploys and limits::deploy_key_releases_max releases. Of several
// deploys with the same key (one continues what another left) the last one takes it away.
class DeployKeys {
 public:
  class Key {
   public:
    explicit Key(const trust::Secret& secret);
    [[nodiscard]] const trust::TokenKeys& tokens() const { return tokens_; }
    [[nodiscard]] const trust::KeyPair& pair() const { return pair_; }

   private:
    friend class DeployKeys;
    trust::KeyPair pair_;
    trust::TokenKeys tokens_;
    std::vector<std::string> users_;
    std::vector<InfoHash> releases_;  // the latest last
    Instant used_at_{};
  };

  // The deploy `user` has this key from now on, and no other. Errors: too many deploys. Keys that
  // nobody used for limits::deploy_key_kept make room.
  [[nodiscard]] Status add(std::string_view user, const trust::Secret& secret, Instant now);
  // At the deploy's end.
  void remove(std::string_view user);

  struct Found {
    Key* key = nullptr;  // null: the request carries no token of a deploy's key
    trust::Right right = trust::Right::none;
  };
  [[nodiscard]] Found find(std::string_view path, std::string_view query, uint64_t now_s,
                           Instant now);
  // Whose release it is; null: of no deploy that is at work.
  [[nodiscard]] const Key* owner_of(const InfoHash& info_hash) const;
  // It is this key's from now on. Of too many the oldest one is nobody's any more.
  static void claim(Key& key, const InfoHash& info_hash);

  [[nodiscard]] size_t size() const { return keys_.size(); }

 private:
  std::vector<std::unique_ptr<Key>> keys_;
};

}  // namespace murder::tracker
