// SPDX-License-Identifier: Apache-2.0
#include "simulations/learn_command.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include <attune/engine/registry.hpp>
#include <attune/policies/progressive_score.hpp>

#include "simulations/number_stream.hpp"
#include "simulations/output.hpp"
#include "simulations/progress.hpp"
#include "simulations/svm_file.hpp"

namespace attune::sim {
namespace {

using nlohmann::json;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t kRowsAtOnce = 4096;
constexpr std::size_t kCurvePoints = 20;

/// What a pass over a file gave.
struct Pass {
  std::string path;
  std::size_t rows = 0;
  std::size_t entries = 0;
  ProgressiveScore score;
  double base_loss = 0.0;  ///< of the running mean of the labels
  json curve = json::array();
  double read_seconds = 0.0;
  double learn_seconds = 0.0;
  double learn_cpu_seconds = 0.0;
};

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// What the labels are: two values that stand for no and yes, or numbers.
struct Task {
  bool binary = false;
  double no = 0.0;
};

Result<Task> task_of(const std::string& wanted, const std::vector<const SvmFile*>& files) {
  std::set<double> values;
  for (const SvmFile* file : files) {
    for (const double label : file->labels()) {
      if (values.size() <= 2) {
        values.insert(label);
      }
    }
  }
  if (wanted == "real") {
    return Task{};
  }
  if (values.size() <= 2) {
    const auto among = [&](double low, double high) {
      return std::ranges::all_of(values, [&](double label) { return label == low || label == high; });
    };
    for (const auto& [low, high] : {std::pair(0.0, 1.0), std::pair(-1.0, 1.0), std::pair(1.0, 2.0)}) {
      if (among(low, high)) {
        return Task{true, low};
      }
    }
    if (wanted == "binary" && values.size() == 2) {
      return Task{true, *values.begin()};
    }
  }
  if (wanted == "binary") {
    return fail(Errc::invalid_config, "--task binary needs two different labels, 0/1 or -1/1 at best");
  }
  return Task{};
}

/// The learner's options; a loss that fits the task unless one is named.
Result<json> learner_spec(const LearnArguments& arguments, bool binary) {
  Result<json> spec = spec_of(arguments.learner, arguments.parameters, "--learner");
  if (!spec || spec->contains("loss")) {
    return spec;
  }
  for (const AlgorithmInfo& known : algorithms()) {
    if (known.name != arguments.learner || known.family != Family::learner) {
      continue;
    }
    for (const OptionInfo& option : known.options) {
      if (option.name == "loss") {
        (*spec)["loss"] = binary ? "logistic" : "squared";
      }
    }
  }
  return spec;
}

/// A row as a learner takes it; valid until the next one where it is dense.
Input row_input(const SvmFile& file, std::size_t row, std::vector<double>* dense) {
  const SparseFeatures sparse = file.features(row);
  if (dense == nullptr) {
    return {.sparse = sparse};
  }
  std::ranges::fill(*dense, 0.0);
  for (std::size_t k = 0; k < sparse.index.size(); ++k) {
    (*dense)[sparse.index[k]] = sparse.value[k];
  }
  return {.dense = *dense};
}

/// Predicts and learns rows in file order, sparse ones without a buffer `dense` to write them out in. Errors:
/// what the learner refuses, naming the row.
Result<void> run_pass(AnyLearner& learner, const SvmFile& file, std::vector<double>* dense, bool learning,
                      bool shown, Pass& pass, std::vector<double>* predictions) {
  pass.rows = file.rows();
  pass.entries = file.entries();
  ProgressLine progress("rows of " + pass.path, shown ? file.rows() : 0);
  std::vector<double> before(std::min(kRowsAtOnce, file.rows()));
  double labels = 0.0;
  ProgressiveScore base = pass.score;
  const std::size_t every = std::max<std::size_t>(1, (file.rows() + kCurvePoints - 1) / kCurvePoints);
  ProgressiveScore part = pass.score;
  for (std::size_t from = 0; from < file.rows(); from += kRowsAtOnce) {
    const std::size_t to = std::min(file.rows(), from + kRowsAtOnce);
    const auto start = std::chrono::steady_clock::now();
    const double cpu_start = processor_seconds();
    for (std::size_t row = from; row < to; ++row) {
      const Input input = row_input(file, row, dense);
      if (dense == nullptr && row + 2 < file.rows()) {
        learner.prefetch({.sparse = file.features(row + 2)});
      }
      Errc verdict = Errc::ok;
      if (learning) {
        verdict = learner.predict_then_fit(input, file.label(row), 1.0, before[row - from]);
      } else {
        before[row - from] = learner.predict(input);
      }
      if (verdict != Errc::ok) {
        return fail(verdict, pass.path + " row " + std::to_string(row + 1) + " is refused by " +
                                 std::string(learner.name()) + ": " + std::string(to_string(verdict)));
      }
    }
    pass.learn_cpu_seconds += processor_seconds() - cpu_start;
    pass.learn_seconds += Seconds(std::chrono::steady_clock::now() - start).count();
    for (std::size_t row = from; row < to; ++row) {
      const double label = file.label(row);
      const double prediction = before[row - from];
      if (pass.score.add(prediction, label) != Errc::ok || part.add(prediction, label) != Errc::ok) {
        return fail(Errc::non_finite, pass.path + " row " + std::to_string(row + 1) + ": " +
                                          std::string(learner.name()) + " predicts " +
                                          number_text(prediction));
      }
      // Krichevsky-Trofimov: no rows are worth half a row of either kind.
      const bool ratio = !std::isnan(pass.score.log_loss());
      const double mean = ratio ? (labels + 0.5) / (static_cast<double>(row) + 1.0)
                                : labels / std::max(1.0, static_cast<double>(row));
      (void)base.add(mean, label);  // finite and, where it must be, inside [0, 1]
      labels += label;
      if ((row + 1) % every == 0 || row + 1 == file.rows()) {
        json point = {{"rows", row + 1}, {"squared_loss", part.squared_loss()}};
        if (ratio) {
          point["log_loss"] = part.log_loss();
        }
        pass.curve.push_back(std::move(point));
        part = ProgressiveScore(ratio);
      }
    }
    if (predictions != nullptr) {
      predictions->insert(predictions->end(), before.begin(),
                          before.begin() + static_cast<std::ptrdiff_t>(to - from));
    }
    progress.advance(to - from);
  }
  pass.base_loss = std::isnan(base.log_loss()) ? base.squared_loss() : base.log_loss();
  return {};
}

json finite_or_null(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json pass_json(const Pass& pass, bool binary) {
  const auto rate = [&](double seconds) { return finite_or_null(static_cast<double>(pass.rows) / seconds); };
  const auto microseconds = [&](double seconds) {
    return finite_or_null(1e6 * seconds / static_cast<double>(pass.rows));
  };
  const double total = pass.read_seconds + pass.learn_seconds;
  return {{"input", pass.path},
          {"rows", pass.rows},
          {"nonzeros", pass.entries},
          {"log_loss", finite_or_null(pass.score.log_loss())},
          {"squared_loss", finite_or_null(pass.score.squared_loss())},
          {"absolute_loss", finite_or_null(pass.score.absolute_loss())},
          {"accuracy", binary ? finite_or_null(pass.score.accuracy()) : json(nullptr)},
          {"base_loss", finite_or_null(pass.rows > 0 ? pass.base_loss : NAN)},
          {"curve", pass.curve},
          {"seconds",
           {{"read", pass.read_seconds},
            {"learn", pass.learn_seconds},
            {"learn_cpu", pass.learn_cpu_seconds},
            {"total", total}}},
          {"us_per_row", microseconds(pass.learn_seconds)},
          {"cpu_us_per_row", microseconds(pass.learn_cpu_seconds)},
          {"rows_per_second", rate(pass.learn_seconds)},
          {"rows_per_second_total", rate(total)}};
}

void print_pass(const Pass& pass, bool binary) {
  std::printf("%s: %zu rows, %.1f entries a row\n", pass.path.c_str(), pass.rows,
              pass.rows > 0 ? static_cast<double>(pass.entries) / static_cast<double>(pass.rows) : 0.0);
  if (pass.rows == 0) {
    return;
  }
  if (!std::isnan(pass.score.log_loss())) {
    std::printf("  log loss %.5f (the running mean alone: %.5f), accuracy %.4f\n", pass.score.log_loss(),
                pass.base_loss, pass.score.accuracy());
  } else if (binary) {
    std::printf("  accuracy %.4f\n", pass.score.accuracy());
  }
  std::printf("  squared loss %.6g, absolute loss %.6g\n", pass.score.squared_loss(),
              pass.score.absolute_loss());
  std::printf("  %.3f us a row learning, %.3f s reading, %.3f s in all\n",
              1e6 * pass.learn_seconds / static_cast<double>(pass.rows), pass.read_seconds,
              pass.read_seconds + pass.learn_seconds);
}

Result<SvmFile> read_timed(const std::string& path, Pass& pass) {
  pass.path = path;
  const auto start = std::chrono::steady_clock::now();
  Result<SvmFile> file = SvmFile::read(path);
  pass.read_seconds = Seconds(std::chrono::steady_clock::now() - start).count();
  return file;
}

/// Brings indices to 0 ... and says how many features there are.
Result<std::size_t> settle_indices(const LearnArguments& arguments, const std::vector<SvmFile*>& files) {
  std::uint32_t least = 0xFFFFFFFFU;
  std::uint32_t largest = 0;
  for (const SvmFile* file : files) {
    if (file->entries() > 0) {
      least = std::min(least, file->least_index());
      largest = std::max(largest, file->largest_index());
    }
  }
  if (least > largest) {
    return std::max<std::size_t>(1, arguments.features);  // no entries at all
  }
  if (arguments.base == "1" && least == 0) {
    return fail(Errc::parse, "an index is 0 although --base is 1");
  }
  const std::uint32_t base = arguments.base == "auto" ? (least > 0 ? 1 : 0) : (arguments.base == "1" ? 1 : 0);
  for (SvmFile* file : files) {
    if (file->entries() > 0) {
      file->shift(base);
    }
  }
  const std::size_t features = std::size_t{largest} - base + 1;
  if (arguments.features > 0 && features > arguments.features) {
    return fail(Errc::parse, "index " + std::to_string(largest) + " is beyond --features " +
                                 std::to_string(arguments.features));
  }
  return std::max<std::size_t>(features, arguments.features);
}

Result<void> load_learner(AnyLearner& learner, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(Errc::io, path + " cannot be read: there is no such file");
  }
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const ByteView bytes = std::as_bytes(std::span(text));
  Result<ByteView> payload = detail::open_state(bytes, learner.name(), learner.state_version());
  if (!payload) {
    return fail(payload.error().code, path + ": " + payload.error().message);
  }
  Reader reader(*payload);
  if (Result<void> loaded = learner.load(reader); !loaded) {
    return fail(loaded.error().code, path + ": " + loaded.error().message);
  }
  return {};
}

Result<void> save_learner(const AnyLearner& learner, const std::string& path) {
  Writer writer;
  learner.save(writer);
  const Bytes framed = detail::seal_state(learner.name(), learner.state_version(), writer.view());
  std::string text(framed.size(), '\0');
  std::ranges::transform(framed, text.begin(), [](std::byte byte) { return static_cast<char>(byte); });
  return write_text_file(path, text);
}

Result<void> write_predictions(const std::string& path, const std::vector<double>& predictions) {
  std::string text;
  for (const double prediction : predictions) {
    text += number_text(prediction) + "\n";
  }
  return write_text_file(path, text);
}

void print_result(const AnyLearner& learner, const json& spec, std::size_t features, bool binary,
                  const std::vector<Pass>& passes, bool as_json) {
  if (as_json) {
    json out = {
        {"format", 1}, {"learner", spec}, {"task", binary ? "binary" : "real"}, {"features", features}};
    out.update(pass_json(passes.front(), binary));
    if (passes.size() > 1) {
      out["to"] = pass_json(passes.back(), binary);
    }
    print(out.dump() + "\n");
  } else {
    print(std::string(learner.name()) + ": " + std::to_string(features) + " features, " +
          (binary ? "two labels" : "real labels") + "\n");
    std::fflush(stdout);
    for (const Pass& pass : passes) {
      print_pass(pass, binary);
    }
  }
}

}  // namespace

Exit learn_command(const LearnArguments& arguments) {
  std::vector<Pass> passes(arguments.to.empty() ? 1 : 2);
  std::vector<SvmFile> files;
  for (std::size_t i = 0; i < passes.size(); ++i) {
    Result<SvmFile> file = read_timed(i == 0 ? arguments.input : arguments.to, passes[i]);
    if (!file) {
      return refuse(file.error());
    }
    files.push_back(*std::move(file));
  }
  std::vector<SvmFile*> all;
  all.reserve(files.size());
  for (SvmFile& file : files) {
    all.push_back(&file);
  }
  const Result<Task> task = task_of(arguments.task, {all.begin(), all.end()});
  if (!task) {
    return refuse(task.error());
  }
  if (task->binary) {
    for (SvmFile& file : files) {
      file.relabel([no = task->no](double label) { return label == no ? 0.0 : 1.0; });
    }
  }
  const Result<std::size_t> features = settle_indices(arguments, all);
  if (!features) {
    return refuse(features.error());
  }
  const Result<json> spec = learner_spec(arguments, task->binary);
  if (!spec) {
    return refuse(spec.error());
  }
  Result<AnyLearner> learner = make_learner(*spec, {.features = *features, .sparse = true});
  std::vector<double> dense;
  if (!learner && learner.error().code == Errc::unsupported) {
    learner = make_learner(*spec, {.features = *features});
    dense.resize(*features);
  }
  if (!learner) {
    return refuse(learner.error());
  }
  if (!arguments.load.empty()) {
    if (const Result<void> loaded = load_learner(*learner, arguments.load); !loaded) {
      return refuse(loaded.error());
    }
  }
  const bool probability = task->binary && spec->value("loss", std::string()) == "logistic";
  std::vector<double> predictions;
  for (std::size_t i = 0; i < files.size(); ++i) {
    passes[i].score = ProgressiveScore(probability);
    const Result<void> ran =
        run_pass(*learner, files[i], dense.empty() ? nullptr : &dense, i == 0 || !arguments.freeze,
                 !arguments.quiet, passes[i], arguments.predictions.empty() ? nullptr : &predictions);
    if (!ran) {
      return refuse(ran.error());
    }
  }
  if (!arguments.save.empty()) {
    if (const Result<void> saved = save_learner(*learner, arguments.save); !saved) {
      complain(saved.error().message);
      return Exit::failed;
    }
  }
  if (!arguments.predictions.empty()) {
    if (const Result<void> written = write_predictions(arguments.predictions, predictions); !written) {
      complain(written.error().message);
      return Exit::failed;
    }
  }
  print_result(*learner, *spec, *features, task->binary, passes, arguments.json);
  return Exit::ok;
}

}  // namespace attune::sim
