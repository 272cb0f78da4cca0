// A function to be called later: a member function of one object. Two pointers; it owns nothing
// and allocates nothing. The object must outlive the last call.
#pragma once

#include <utility>

namespace murder {

template <auto Method, typename Owner>
struct Bound {
  Owner* owner;
};

// What Callback is made of: io::Timer tick_{timers, callback<&Link::tick>(this)}.
template <auto Method, typename Owner>
[[nodiscard]] constexpr Bound<Method, Owner> callback(Owner* owner) {
  return {owner};
}

template <typename Signature>
class Callback;

template <typename Result, typename... Arguments>
class Callback<Result(Arguments...)> {
 public:
  // Calls nothing, and must not be called.
  Callback() = default;
  template <auto Method, typename Owner>
  Callback(Bound<Method, Owner> bound)
      : owner_(const_cast<void*>(static_cast<const void*>(bound.owner))),
        call_([](void* owner, Arguments... arguments) -> Result {
          return (static_cast<Owner*>(owner)->*Method)(std::forward<Arguments>(arguments)...);
        }) {}

  [[nodiscard]] explicit operator bool() const { return call_ != nullptr; }
  Result operator()(Arguments... arguments) const {
    return call_(owner_, std::forward<Arguments>(arguments)...);
  }

 private:
  void* owner_ = nullptr;
  Result (*call_)(void* owner, Arguments... arguments) = nullptr;
};

}  // namespace murder
