#include "engine/io/turn_hook.h"

namespace murder::io {

void TurnHook::remove() {
  if (list_ != nullptr) {
    list_->remove(*this);
  }
}

TurnHookList::~TurnHookList() {
  while (first_ != nullptr) {
    remove(*first_);
  }
}

void TurnHookList::add(TurnHook& hook) {
  ENSURE(!hook.added());
  hook.list_ = this;
  hook.previous_ = last_;
  hook.next_ = nullptr;
  (last_ == nullptr ? first_ : last_->next_) = &hook;
  last_ = &hook;
}

void TurnHookList::remove(TurnHook& hook) {
  ENSURE(hook.list_ == this);
  if (cursor_ == &hook) {
    cursor_ = hook.next_;
  }
  (hook.previous_ == nullptr ? first_ : hook.previous_->next_) = hook.next_;
  (hook.next_ == nullptr ? last_ : hook.next_->previous_) = hook.previous_;
  hook.list_ = nullptr;
  hook.next_ = nullptr;
  hook.previous_ = nullptr;
}

void TurnHookList::run() {
  cursor_ = first_;
  while (cursor_ != nullptr) {
    TurnHook& hook = *cursor_;
    cursor_ = hook.next_;
    hook.target_(hook);
  }
}

}  // namespace murder::io
