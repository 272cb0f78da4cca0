#include "engine/io/notifier.h"

namespace murder::io {

Notifier::Notifier(Reactor& reactor, Target target) : reactor_(reactor), target_(target) {
  ENSURE(target.handler != nullptr);
  next_ = reactor_.notifiers_;
  if (next_ != nullptr) {
    next_->previous_ = this;
  }
  reactor_.notifiers_ = this;
}

Notifier::~Notifier() {
  if (reactor_.notifier_cursor_ == this) {
    reactor_.notifier_cursor_ = next_;
  }
  (previous_ == nullptr ? reactor_.notifiers_ : previous_->next_) = next_;
  if (next_ != nullptr) {
    next_->previous_ = previous_;
  }
}

void Notifier::notify() {
  if (!pending_.exchange(true, std::memory_order_acq_rel)) {
    reactor_.wake();
  }
}

void Notifier::notify_from(Reactor& producer) {
  if (!pending_.exchange(true, std::memory_order_acq_rel) && &producer != &reactor_) {
    producer.wake_other(reactor_);
  }
}

}  // namespace murder::io
