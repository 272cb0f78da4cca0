#include "coordinator/store/etcd_lead.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/store/bounds.h"
#include "engine/base/ensure.h"
#include "engine/base/json.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/printable.h"

namespace murder::store {
namespace {

Error was_changed(std::string_view key) {
  return {ErrorCode::conflict,
          fmt::format("{} was changed by something else than this coordinator", key)};
}

}  // namespace

void EtcdLead::note_holder(const EtcdValue& leader) {
  const Result<Json> json = parse_json(leader.value);
  holder_address_ = json ? printable_value(text_member(*json, "address")) : std::string();
  if (holder_address_.size() > limits::store_address_bytes_max) {
    holder_address_.clear();
  }
}

Status EtcdLead::look() {
  const Result<EtcdValues> leader = client_.range({.from = key_}, etcd_lead_patience);
  if (!leader) {
    return fail(leader.error());
  }
  holder_address_.clear();
  if (!leader->values.empty()) {
    note_holder(leader->values.front());
  }
  return {};
}

Result<bool> EtcdLead::take(std::string_view own_address) {
  const Result<EtcdValues> leader = client_.range({.from = key_});
  if (!leader) {
    return fail(leader.error());
  }
  if (!leader->values.empty()) {
    note_holder(leader->values.front());
    // Ours, when the answer to an earlier attempt was lost.
    if (lease_ == 0 || leader->values.front().lease != lease_) {
      give_back();
      return false;
    }
    // Written again, so that nothing that is still on its way takes place later.
    revision_ = leader->values.front().mod_revision;
    const Result<bool> ours = put_key();
    return ours.value_or(false) ? renew() : ours;
  }
  give_back();
  const Instant asked_at = monotonic_now();
  const Result<uint64_t> lease = client_.grant_lease(limits::etcd_lease);
  if (!lease) {
    return fail(lease.error());
  }
  lease_ = *lease;
  renewed_at_ = asked_at;
  own_value_ = json_text({{"address", own_address}});
  return put_key();
}

Result<bool> EtcdLead::put_key() {
  ENSURE(lease_ != 0);
  EtcdTransaction transaction;
  transaction.require_revision(key_, revision_);
  transaction.put(key_, own_value_, lease_);
  transaction.otherwise_read(key_);
  const Result<EtcdOutcome> outcome = client_.commit(transaction);
  if (!outcome) {
    return fail(outcome.error());
  }
  if (outcome->succeeded) {
    revision_ = outcome->revision;
  } else if (!outcome->instead.empty() && outcome->instead.front().lease == lease_) {
    revision_ = outcome->instead.front().mod_revision;  // this was sent twice
  } else {
    give_back();
    if (!outcome->instead.empty()) {
      note_holder(outcome->instead.front());
    }
    return false;
  }
  holder_address_ = text_member(parse_json(own_value_).value_or(Json()), "address");
  return true;
}

Result<bool> EtcdLead::renew() {
  const Instant asked_at = monotonic_now();
  const Result<bool> kept = client_.keep_lease(lease_);
  const Result<EtcdValues> leader =
      kept && *kept ? client_.range({.from = key_}, etcd_lead_patience) : EtcdValues{};
  if (!kept || !leader) {
    // Nobody answers. By now another one may lead.
    if (asked_at - renewed_at_ >= limits::etcd_lease) {
      return false;
    }
    return fail(kept ? leader.error() : kept.error());
  }
  if (!*kept || leader->values.empty() || !is_ours(leader->values.front())) {
    static_cast<void>(lose());
    return false;
  }
  renewed_at_ = asked_at;
  return true;
}

Status EtcdLead::renew_in_passing() {
  if (monotonic_now() - renewed_at_ < limits::etcd_lease / 4) {
    return {};
  }
  const Result<bool> renewed = renew();
  return renewed.value_or(true) ? Status() : Status(fail(lose()));
}

void EtcdLead::give_back() {
  revision_ = 0;
  if (lease_ != 0) {
    client_.revoke_lease(std::exchange(lease_, 0));
  }
}

Status EtcdLead::fence_off_earlier() {
  const Result<bool> ours = put_key();
  if (!ours) {
    return fail(ours.error());
  }
  return *ours ? Status() : Status(fail(lose()));
}

bool EtcdLead::is_ours(const EtcdValue& leader) const {
  return leader.key == key_ && leader.mod_revision == revision_ && revision_ != 0;
}

Error EtcdLead::lose() {
  revision_ = 0;
  return {ErrorCode::conflict,
          "this coordinator does not lead any more: another one may write instead"};
}

// An outcome that did not take place although this leads is for the caller to judge.
Result<EtcdOutcome> EtcdLead::commit(EtcdTransaction& transaction) {
  if (!is_held()) {
    return fail(lose());  // revision 0 would stand for a key that is not there
  }
  transaction.require_revision(key_, revision_);
  transaction.otherwise_read(key_);
  const Instant end = monotonic_now() + limits::etcd_call;
  Result<EtcdOutcome> outcome;
  do {
    if (Status renewed = renew_in_passing(); !renewed) {
      return fail(renewed.error());
    }
    outcome = client_.commit(transaction, etcd_one_attempt);
  } while (!outcome && is_worth_another_attempt(outcome.error().code) && monotonic_now() < end);
  if (outcome && !outcome->succeeded &&
      std::none_of(outcome->instead.begin(), outcome->instead.end(),
                   [this](const EtcdValue& value) { return is_ours(value); })) {
    return fail(lose());
  }
  return outcome;
}

Status EtcdLead::write(EtcdTransaction transaction) {
  const Result<EtcdOutcome> outcome = commit(transaction);
  return outcome ? Status() : Status(fail(outcome.error()));
}

Status EtcdLead::write_while(EtcdTransaction transaction, std::string_view key,
                             uint64_t mod_revision) {
  transaction.require_revision(key, mod_revision);
  const Result<EtcdOutcome> outcome = commit(transaction);
  if (!outcome) {
    return fail(outcome.error());
  }
  return outcome->succeeded ? Status() : Status(fail(was_changed(key)));
}

Result<uint64_t> EtcdLead::write_with(EtcdTransaction transaction, std::string_view key,
                                      uint64_t mod_revision, std::string_view value) {
  transaction.require_revision(key, mod_revision);
  transaction.otherwise_read(key);
  if (value.empty()) {
    transaction.erase(key);
  } else {
    transaction.put(key, value);
  }
  const Result<EtcdOutcome> outcome = commit(transaction);
  if (!outcome) {
    return fail(outcome.error());
  }
  if (outcome->succeeded) {
    return value.empty() ? 0 : outcome->revision;
  }
  // Sent twice, and the first one did it?
  const auto now = std::find_if(outcome->instead.begin(), outcome->instead.end(),
                                [&](const EtcdValue& found) { return found.key == key; });
  if (now == outcome->instead.end()) {
    return value.empty() ? Result<uint64_t>(0) : fail(was_changed(key));
  }
  return now->value == value ? Result<uint64_t>(now->mod_revision) : fail(was_changed(key));
}

}  // namespace murder::store
