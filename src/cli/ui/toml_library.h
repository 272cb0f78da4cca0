// The TOML library as this program uses it: headers alone, no exceptions. For .cc files only, since
// it takes ten seconds to compile.
#pragma once

// The distribution's pkg-config file asks for its shared library.
#undef TOML_HEADER_ONLY
#undef TOML_SHARED_LIB
// Version 3.3 asserts that a key begins like one ("[[[") before it checks and reports that it does
// not: what is in a file must not end the process.
#define TOML_ASSERT(condition) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes parts of the header for uses of values that were not set.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <toml++/toml.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
