// The large headers of libraries, compiled once for the whole folder. GCC warns of `#pragma once`
// here.
#ifndef MURDER_CLI_PCH_H
#define MURDER_CLI_PCH_H

#include <fmt/format.h>

#endif
