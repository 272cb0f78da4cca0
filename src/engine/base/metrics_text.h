// Metrics in the text format of Prometheus, version 0.0.4: what a scrape answers, and what the
// textfile collector of node-exporter reads.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/latency_histogram.h"

namespace murder {

struct MetricLabel {
  std::string_view name;
  std::string_view value;  // any bytes: controls and what is not UTF-8 become '?'
};

enum class MetricType : uint8_t { counter, gauge };

// Writes one family after the other, each with its HELP and TYPE line. `common` labels are added to
// every sample. Whoever calls it sees to it that no family comes twice.
class MetricsText {
 public:
  using Labels = std::initializer_list<MetricLabel>;

  explicit MetricsText(std::span<const MetricLabel> common = {});

  // Names of counters end in "_total". `help` is one line.
  void family(std::string_view name, MetricType type, std::string_view help);
  // Samples of the family that was begun last.
  void sample(Labels labels, uint64_t value);
  void sample(Labels labels, double value);

  // What murder_build_info is: 1, with the version of this program.
  void build_info();
  // A family with one sample.
  void single(std::string_view name, MetricType type, std::string_view help, uint64_t value);
  void single(std::string_view name, MetricType type, std::string_view help, double value);
  void histogram(std::string_view name, std::string_view help, const LatencyHistogram& histogram);

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void header(std::string_view name, std::string_view type, std::string_view help);
  void append_name(std::string_view suffix, Labels labels);
  void append_value(uint64_t value);
  void append_value(double value);

  std::string text_;
  std::string name_;    // of the family that was begun last
  std::string common_;  // as they are written, without braces
};

// As it stands between the quotes of a label's value.
[[nodiscard]] std::string metric_label_value(std::string_view text);

}  // namespace murder
