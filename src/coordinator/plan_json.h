// A rollout's plan as operators write and read it: {"waves": "1,10%", "bake_s": 30, ...}. Pure.
#pragma once

#include <string_view>

#include "engine/base/json.h"
#include "engine/base/json_writer.h"
#include "engine/base/result.h"
#include "engine/control/plan.h"

namespace murder::coordinator {

// Sets the member of this name. Errors: it is not known, of another type, or out of bounds.
[[nodiscard]] Status take_plan_member(std::string_view name, const Json& value,
                                      control::Plan& plan);

// All members, as a value of `json`.
void write_plan(JsonWriter& json, const control::Plan& plan);

}  // namespace murder::coordinator
