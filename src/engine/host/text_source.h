// Where somebody who writes a text again and again gets it from.
#pragma once

#include <string>

#include "engine/base/callback.h"

namespace murder::host {

using TextSource = Callback<std::string()>;

}  // namespace murder::host
