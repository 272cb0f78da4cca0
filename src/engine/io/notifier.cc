#include "engine/io/notifier.h"

namespace murder::io {

Notifier::Notifier(Reactor& reactor, Target target) : reactor_(reactor), target_(target) {
  ENSURE(target);
  reactor_.notifiers_.add(link_);
}

Notifier::~Notifier() {
  reactor_.notifiers_.remove(link_);
}

void Notifier::notify() {
  if (link_.mark()) {
    reactor_.wake();
  }
}

void Notifier::notify_from(Reactor& producer) {
  if (link_.mark() && &producer != &reactor_) {
    producer.wake_other(reactor_);
  }
}

}  // namespace murder::io
