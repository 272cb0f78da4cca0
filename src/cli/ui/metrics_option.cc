#include "cli/ui/metrics_option.h"

#include "cli/ui/path_word.h"

namespace murder::cli {

void add_metrics_option(ArgumentParser command, std::string& path) {
  command
      .add_option("--metrics-file", path,
                  "Write metrics for Prometheus there every 15 s and at the end; the textfile\n"
                  "collector of node-exporter reads *.prom")
      .type_name("FILE");
}

std::string metrics_path_of(const std::string& word) {
  return word.empty() ? "" : clean_path(word);
}

}  // namespace murder::cli
