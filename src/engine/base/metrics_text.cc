#include "engine/base/metrics_text.h"

#include <fmt/format.h>

#include <iterator>

#include "engine/base/utf8.h"
#include "engine/base/version.h"

namespace murder {

namespace {

// Parsers take a zero byte for the end of the text.
bool is_unfit(char character, bool is_text) {
  const auto byte = static_cast<uint8_t>(character);
  return byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !is_text);
}

void append_label(std::string& out, const MetricLabel& label) {
  out += out.empty() || out.back() == '{' ? "" : ",";
  out += label.name;
  out += "=\"";
  out += metric_label_value(label.value);
  out += '"';
}

}  // namespace

std::string metric_label_value(std::string_view text) {
  const bool is_text = is_utf8(text);
  std::string value;
  value.reserve(text.size());
  for (const char character : text) {
    if (character == '\n') {
      value += "\\n";
    } else if (is_unfit(character, is_text)) {
      value += '?';
    } else {
      value += character == '"' || character == '\\' ? "\\" : "";
      value += character;
    }
  }
  return value;
}

MetricsText::MetricsText(std::span<const MetricLabel> common) {
  for (const MetricLabel& label : common) {
    append_label(common_, label);
  }
}

void MetricsText::header(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  fmt::format_to(std::back_inserter(text_), "# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

void MetricsText::family(std::string_view name, MetricType type, std::string_view help) {
  header(name, type == MetricType::counter ? "counter" : "gauge", help);
}

void MetricsText::append_name(std::string_view suffix, Labels labels) {
  text_ += name_;
  text_ += suffix;
  if (!common_.empty() || labels.size() > 0) {
    text_ += '{';
    text_ += common_;
    for (const MetricLabel& label : labels) {
      append_label(text_, label);
    }
    text_ += '}';
  }
  text_ += ' ';
}

void MetricsText::append_value(uint64_t value) {
  fmt::format_to(std::back_inserter(text_), "{}\n", value);
}

void MetricsText::append_value(double value) {
  fmt::format_to(std::back_inserter(text_), "{}\n", value);
}

void MetricsText::sample(Labels labels, uint64_t value) {
  append_name("", labels);
  append_value(value);
}

void MetricsText::sample(Labels labels, double value) {
  append_name("", labels);
  append_value(value);
}

void MetricsText::build_info() {
  family("murder_build_info", MetricType::gauge, "Always 1; the version of the program.");
  sample({{"version", program_version()}}, uint64_t{1});
}

void MetricsText::single(std::string_view name, MetricType type, std::string_view help,
                         uint64_t value) {
  family(name, type, help);
  sample({}, value);
}

void MetricsText::single(std::string_view name, MetricType type, std::string_view help,
                         double value) {
  family(name, type, help);
  sample({}, value);
}

void MetricsText::histogram(std::string_view name, std::string_view help,
                            const LatencyHistogram& histogram) {
  header(name, "histogram", help);
  uint64_t count = 0;
  for (size_t bucket = 0; bucket < LatencyHistogram::bounds.size(); ++bucket) {
    count += histogram.bucket_count(bucket);
    append_name("_bucket",
                {{"le", fmt::format("{}", seconds_of(LatencyHistogram::bounds[bucket]))}});
    append_value(count);
  }
  append_name("_bucket", {{"le", "+Inf"}});
  append_value(histogram.count());
  append_name("_sum", {});
  append_value(histogram.sum_seconds());
  append_name("_count", {});
  append_value(histogram.count());
}

}  // namespace murder
