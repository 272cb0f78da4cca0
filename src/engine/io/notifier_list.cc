#include "engine/io/notifier_list.h"

namespace murder::io {

void NotifierList::add(NotifierLink& link) {
  link.next_ = first_;
  if (first_ != nullptr) {
    first_->previous_ = &link;
  }
  first_ = &link;
}

void NotifierList::remove(NotifierLink& link) {
  if (cursor_ == &link) {
    cursor_ = link.next_;
  }
  (link.previous_ == nullptr ? first_ : link.previous_->next_) = link.next_;
  if (link.next_ != nullptr) {
    link.next_->previous_ = link.previous_;
  }
}

bool NotifierList::any_pending() const {
  for (const NotifierLink* link = first_; link != nullptr; link = link->next_) {
    if (link->is_pending_.load(std::memory_order_acquire)) {
      return true;
    }
  }
  return false;
}

uint32_t NotifierList::call_pending() {
  uint32_t count = 0;
  cursor_ = first_;
  while (cursor_ != nullptr) {
    NotifierLink& link = *cursor_;
    cursor_ = link.next_;
    if (link.is_pending_.load(std::memory_order_relaxed) &&
        link.is_pending_.exchange(false, std::memory_order_acq_rel)) {
      ++count;
      link.call_();
    }
  }
  return count;
}

}  // namespace murder::io
