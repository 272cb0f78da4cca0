#include "engine/policy/address_book.h"

#include "engine/base/ensure.h"
#include "engine/policy/address_share.h"

namespace murder::policy {

namespace {

constexpr uint32_t lies_until_barred = 3;
constexpr Duration pause_first = std::chrono::seconds(1);
constexpr uint32_t pause_doublings_max = 6;
constexpr Duration forgotten_after = std::chrono::minutes(10);

Duration pause_after(uint32_t offences) {
  ENSURE(offences > 0);
  return pause_first * (1 << std::min(offences - 1, pause_doublings_max));
}

}  // namespace

const AddressBook::Entry* AddressBook::find(const IpAddress& address) const {
  const IpAddress key = shared_address(address);
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.key == key; });
  return found == entries_.end() ? nullptr : &*found;
}

AddressBook::Entry& AddressBook::entry_for(const IpAddress& address, Instant now) {
  if (const Entry* known = find(address)) {
    return const_cast<Entry&>(*known);
  }
  if (entries_.size() < count_max_) {
    return entries_.emplace_back(Entry{.key = shared_address(address), .last_at = now});
  }
  const auto oldest = std::min_element(
      entries_.begin(), entries_.end(),
      [](const Entry& one, const Entry& other) { return one.last_at < other.last_at; });
  ENSURE(oldest != entries_.end());
  *oldest = {.key = shared_address(address), .last_at = now};
  return *oldest;
}

void AddressBook::offended(const IpAddress& address, Instant now) {
  Entry& entry = entry_for(address, now);
  if (entry.offences > 0 && now - entry.last_at > forgotten_after) {
    entry.offences = 0;
  }
  ++entry.offences;
  entry.last_at = now;
}

void AddressBook::lied(const IpAddress& address, Instant now) {
  Entry& entry = entry_for(address, now);
  ++entry.lies;
  ++entry.offences;
  entry.last_at = now;
}

void AddressBook::proved(const IpAddress& address) {
  if (const Entry* known = find(address)) {
    const_cast<Entry*>(known)->proved = true;
  }
}

bool AddressBook::is_distrusted(const IpAddress& address, Instant now) const {
  const Entry* entry = find(address);
  return entry != nullptr && entry->offences > 0 && now - entry->last_at <= forgotten_after;
}

bool AddressBook::waits(const IpAddress& address, Instant now) const {
  const Entry* entry = find(address);
  return entry != nullptr && entry->offences > 0 && !entry->proved &&
         now - entry->last_at < pause_after(entry->offences);
}

bool AddressBook::is_barred(const IpAddress& address) const {
  const Entry* entry = find(address);
  return entry != nullptr && entry->lies >= lies_until_barred;
}

std::string_view AddressBook::check() const {
  if (entries_.size() > count_max_) {
    return "more addresses are remembered than there may be";
  }
  for (const Entry& entry : entries_) {
    if (entry.offences == 0) {
      return "an address is remembered that never offended";
    }
    if (find(entry.key) != &entry) {
      return "an address is remembered twice";
    }
  }
  return {};
}

}  // namespace murder::policy
