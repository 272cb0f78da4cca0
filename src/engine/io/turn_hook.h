// Code to run at the end of each turn of a reactor, used to batch hashing and sends.
#pragma once

#include "engine/base/callback.h"
#include "engine/base/ensure.h"

namespace murder::io {

// Embedded in its owner, on the thread of its reactor. Runs at the end of every turn from
// Reactor::add_turn_hook() until it is removed or destroyed. A hook may remove itself or any other.
class TurnHook {
 public:
  using Target = Callback<void(TurnHook&)>;

  explicit TurnHook(Target target) : target_(target) {}
  TurnHook(const TurnHook&) = delete;
  TurnHook& operator=(const TurnHook&) = delete;
  ~TurnHook() { remove(); }

  [[nodiscard]] bool added() const { return list_ != nullptr; }
  void remove();

 private:
  friend class TurnHookList;

  Target target_;
  class TurnHookList* list_ = nullptr;
  TurnHook* next_ = nullptr;
  TurnHook* previous_ = nullptr;
};

// The hooks of one reactor, in the order they were added.
class TurnHookList {
 public:
  TurnHookList() = default;
  TurnHookList(const TurnHookList&) = delete;
  TurnHookList& operator=(const TurnHookList&) = delete;
  ~TurnHookList();

  void add(TurnHook& hook);
  void remove(TurnHook& hook);
  void run();

 private:
  TurnHook* first_ = nullptr;
  TurnHook* last_ = nullptr;
  TurnHook* cursor_ = nullptr;  // the hook that run() calls next
};

}  // namespace murder::io
