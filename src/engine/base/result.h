// Errors of the world (files, sockets, input) travel as values: Result<T> holds a T or an Error.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace murder {

enum class ErrorCode : uint8_t {
  invalid_input,  // bytes or arguments that break a format
  not_found,
  exists,  // something is there that must not be
  permission,
  no_space,
  io,  // a read or write failed
  network,
  timeout,
  unsupported,  // the kernel, file system or format lacks something
  limit,        // a bound of ours was reached
  conflict,     // another process holds what we need
  interrupted,  // stopped on request
  untrusted,    // not signed as this host wants it
};

// What went wrong, where and, where it helps, what to do: one line for a person.
struct Error {
  ErrorCode code = ErrorCode::invalid_input;
  std::string text;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string text) {
  return tl::unexpected<Error>(Error{code, std::move(text)});
}

[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

// The code that fits an errno value (ENOSPC: no_space, EACCES: permission, ...).
[[nodiscard]] ErrorCode error_code_of_errno(int error_number);

// "WHAT: strerror(ERROR_NUMBER)", with the code that fits. error_number is positive.
[[nodiscard]] tl::unexpected<Error> fail_errno(int error_number, const std::string& what);

}  // namespace murder
