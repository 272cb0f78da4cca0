#include <algorithm>
#include <cstdlib>

#include "families.h"
#include "trial.h"

namespace shalanes {
namespace {

template <typename Algorithm>
Choice<Algorithm> openssl_alone() {
  return {.family = openssl_family, .single = openssl_kernel<Algorithm>()};
}

template <typename Algorithm>
void add(Choice<Algorithm>& choice, const Family<Algorithm>& family) {
  for (const Kernel<Algorithm>& kernel : family.kernels()) {
    if (!is_right(kernel)) {
      continue;
    }
    if (kernel.lanes == 1) {
      choice.single = kernel;
    } else if (choice.kernel_count < choice.kernels_max) {
      choice.kernels[choice.kernel_count++] = kernel;
      choice.family = choice.kernel_count == 1 ? family.name : choice.family;
    }
  }
}

template <typename Algorithm>
Choice<Algorithm> choose_best() {
  auto choice = openssl_alone<Algorithm>();
  for (const Family<Algorithm>& family : families<Algorithm>()) {
    // Another family is for what is too few for the lanes of the one before.
    if (choice.kernel_count == 0 || choice.lanes_min() > lanes_max / 2) {
      add(choice, family);
    }
  }
  return choice;
}

void append(std::string& list, std::string_view word) {
  list.append(list.empty() ? "" : ", ").append(word);
}

}  // namespace

template <typename Algorithm>
Choice<Algorithm> choose(std::string_view wanted) {
  auto choice = openssl_alone<Algorithm>();
  choice.wish = Wish::met;
  if (wanted == openssl_family) {
    return choice;
  }
  const auto all = families<Algorithm>();
  const auto family = std::find_if(
      all.begin(), all.end(), [&](const Family<Algorithm>& each) { return each.name == wanted; });
  if (family != all.end()) {
    add(choice, *family);
    if (choice.kernel_count > 0) {
      return choice;
    }
  }
  choice = choose_best<Algorithm>();
  if (!wanted.empty()) {
    choice.wish = family == all.end() ? Wish::unknown : Wish::unavailable;
  }
  return choice;
}

template <typename Algorithm>
Choice<Algorithm> choose_by_environment(const char* variable) {
  const char* wanted = std::getenv(variable);
  return choose<Algorithm>(wanted == nullptr ? "" : wanted);
}

template <typename Algorithm>
std::string known_families() {
  std::string list;
  for (const Family<Algorithm>& family : families<Algorithm>()) {
    append(list, family.name);
  }
  append(list, openssl_family);
  return list;
}

template <typename Algorithm>
std::string available_families() {
  std::string list;
  for (const Family<Algorithm>& family : families<Algorithm>()) {
    if (choose<Algorithm>(family.name).wish == Wish::met) {
      append(list, family.name);
    }
  }
  append(list, openssl_family);
  return list;
}

template <typename Algorithm>
std::string describe(const Choice<Algorithm>& choice) {
  std::string text;
  std::string_view family;
  for (size_t index = 0; index <= choice.kernel_count; ++index) {
    const auto& kernel = index < choice.kernel_count ? choice.kernels[index] : choice.single;
    if (kernel.family == family) {
      text.append(", ");
    } else {
      text.append(text.empty() ? "" : "), ").append(kernel.family).append(" (");
      family = kernel.family;
    }
    text.append(std::to_string(kernel.lanes));
  }
  return text.append(" at once)");
}

template Choice<Sha1> choose(std::string_view);
template Choice<Sha1> choose_by_environment(const char*);
template std::string known_families<Sha1>();
template std::string available_families<Sha1>();
template std::string describe(const Choice<Sha1>&);

}  // namespace shalanes
