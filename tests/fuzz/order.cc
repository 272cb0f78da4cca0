// Fuzzes orders, outcomes, statements of hosts and marks of orders: what is accepted has one
// spelling.

#include <cstdint>
#include <string>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/trust/host_proof.h"
#include "engine/trust/order.h"
#include "engine/trust/order_marks.h"
#include "engine/trust/outcome.h"

using namespace murder;
using namespace murder::trust;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = as_text_of({data, size});
  if (const Result<OrderStatement> order = parse_order(text)) {
    ENSURE(validate_order(*order).has_value());
    ENSURE(encode_order(*order) == text);
    OrderMarks marks;
    ENSURE(marks.admit(*order).value());
    ENSURE(!marks.admit(*order).value());
    ENSURE(OrderMarks::parse(marks.text()) == marks);
  }
  if (const Result<OutcomeStatement> outcome = parse_outcome(text)) {
    ENSURE(validate_outcome(*outcome).has_value());
    ENSURE(encode_outcome(*outcome) == text);
  }
  if (const Result<HostStatement> statement = parse_host_statement(text)) {
    ENSURE(encode_host_statement(*statement) == std::string(text));
  }
  if (const Result<OrderMarks> marks = OrderMarks::parse(text)) {
    ENSURE(marks->text() == text);
  }
  return 0;
}
