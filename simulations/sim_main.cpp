// SPDX-License-Identifier: Apache-2.0
// attune-sim: tries policies on simulated and recorded traffic before they go live.
#include <cstdio>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>

#include <attune/engine/engine.hpp>

#include "simulations/anomalies_command.hpp"
#include "simulations/commands.hpp"
#include "simulations/detect_command.hpp"
#include "simulations/learn_command.hpp"
#include "simulations/regret_command.hpp"
#include "simulations/sets_command.hpp"
#include "simulations/tradeoff_command.hpp"

namespace attune::sim {
namespace {

void add_output(CLI::App& command, OutputOptions& output, bool files) {
  command.add_flag("--json", output.json, "print the result as JSON");
  if (files) {
    command.add_option("--csv", output.csv, "write every step to this CSV file");
    command.add_option("--report", output.report, "write a self-contained HTML report to this file");
  }
  command.add_option("--jobs", output.jobs, "threads; 0: as many as the machine has; never changes a result")
      ->check(CLI::Range(0, 4096));
  command.add_flag("--quiet", output.quiet, "no progress line");
}

CLI::App* add_run(CLI::App& app, RunArguments& arguments) {
  CLI::App* command = app.add_subcommand("run", "run a scenario: every policy in every seed");
  command->add_option("scenario", arguments.scenario, "a JSON file, or the name of a shipped scenario")
      ->required();
  command->add_option("--horizon", arguments.horizon, "steps, instead of the scenario's");
  command->add_option("--seeds", arguments.seeds, "number of seeds, instead of the scenario's");
  command->add_option("--plot", arguments.output.plot,
                      "write the chart of cumulative regret to this SVG file");
  add_output(*command, arguments.output, true);
  return command;
}

CLI::App* add_replay(CLI::App& app, ReplayArguments& arguments) {
  CLI::App* command = app.add_subcommand(
      "replay", "replay a log of choices: what would a policy have earned? Rejection sampling, IPS, SNIPS");
  command
      ->add_option("log", arguments.log,
                   "open-bandit/random/women and the like, a CSV file, or an attune store")
      ->required();
  command->add_option("--policy", arguments.policies,
                      "a policy as JSON, e.g. '{\"type\":\"ucb1\"}'; may be repeated");
  command->add_option("--point", arguments.point, "decision point of a store");
  command->add_option("--arm", arguments.arm, "column of a CSV file with the choice")->capture_default_str();
  command->add_option("--reward", arguments.reward, "column with the reward")->capture_default_str();
  command->add_option("--propensity", arguments.propensity, "column with the choice's probability")
      ->capture_default_str();
  command->add_option(
      "--numeric", arguments.numeric,
      "columns with features, brought to one scale over the file; x* means all that start so");
  command->add_option("--categorical", arguments.categorical, "columns whose values become features");
  command->add_option("--embedding", arguments.embedding, "columns with features, taken as they are");
  command->add_option("--seeds", arguments.seeds, "number of seeds")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command
      ->add_option("--floor", arguments.floor,
                   "accept with min(1, floor / propensity); 0: the smallest propensity")
      ->check(CLI::Range(0.0, 1.0));
  add_output(*command, arguments.output, false);
  return command;
}

CLI::App* add_gateway(CLI::App& app, GatewayArguments& arguments) {
  CLI::App* command =
      app.add_subcommand("gateway", "the main job: an LLM gateway that learns which model to ask");
  command->add_option("--out", arguments.out, "folder for stores and report")->capture_default_str();
  command->add_option("--data", arguments.data, "recorded (llmrouter-uiuc), simulated, or auto")
      ->check(CLI::IsMember({"auto", "recorded", "simulated"}))
      ->capture_default_str();
  command->add_option("--seeds", arguments.seeds, "shuffles of the requests")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--horizon", arguments.horizon, "requests; 0: all there are");
  command->add_option("--cost-weight", arguments.cost_weight, "reward = quality - weight * USD")
      ->check(CLI::Range(0.0, 1e9));
  command->add_flag("!--no-proof", arguments.prove, "leave out the run that is killed and resumed");
  add_output(*command, arguments.output, true);
  // The run that is to be killed is this program again.
  command->add_option("--child-store", arguments.child_store)->group("");
  command->add_option("--child-channel", arguments.child_channel)->group("");
  return command;
}

CLI::App* add_detect(CLI::App& app, DetectArguments& arguments) {
  CLI::App* command =
      app.add_subcommand("detect", "run a drift detector over a stream of numbers, one a line");
  command->add_option("--detector", arguments.detector, "its name, e.g. adwin or page_hinkley")->required();
  command->add_option("--param", arguments.parameters,
                      "an option as name=value; compat=river: exactly as River does it; may be repeated");
  command->add_option("--input", arguments.input, "the file; - is standard input")->required();
  command->add_flag("--json", arguments.json, "print the result as JSON");
  command->add_flag("--statistics", arguments.statistics, "also the detector's numbers, and its warnings");
  command->add_flag("--state", arguments.state, "also the detector's state (with --json)");
  return command;
}

CLI::App* add_anomalies(CLI::App& app, AnomaliesArguments& arguments) {
  CLI::App* command =
      app.add_subcommand("anomalies", "run an anomaly detector over a stream of numbers, one a line");
  command->add_option("--detector", arguments.detector, "its name, e.g. z_score or hampel")->required();
  command->add_option("--param", arguments.parameters, "an option as name=value; may be repeated");
  command->add_option("--input", arguments.input, "the file; - is standard input")->required();
  command->add_flag("--json", arguments.json, "print the result as JSON");
  command->add_flag("--statistics", arguments.statistics, "also the detector's numbers");
  command->add_flag("--state", arguments.state, "also the detector's state (with --json)");
  return command;
}

CLI::App* add_learn(CLI::App& app, LearnArguments& arguments) {
  CLI::App* command =
      app.add_subcommand("learn", "run an online learner over labelled rows: predict each, then learn it");
  command->add_option("--learner", arguments.learner, "its name, e.g. auto_linear, ftrl, adagrad or sgd")
      ->capture_default_str();
  command->add_option("--param", arguments.parameters, "an option as name=value; may be repeated");
  command->add_option("--input", arguments.input, "rows in LIBSVM's format, plain or gzip")->required();
  command->add_option("--to", arguments.to, "go on with the rows of this file, counted apart");
  command->add_flag("--freeze", arguments.freeze, "predict the rows of --to without learning them")
      ->needs("--to");
  command
      ->add_option("--task", arguments.task, "labels are two classes (binary), numbers (real), or see (auto)")
      ->check(CLI::IsMember({"auto", "binary", "real"}))
      ->capture_default_str();
  command->add_option("--base", arguments.base, "the first index: 0, 1, or see (auto)")
      ->check(CLI::IsMember({"auto", "0", "1"}))
      ->capture_default_str();
  command->add_option("--features", arguments.features, "number of features; 0: as many as the files have")
      ->check(CLI::Range(0U, 1U << 28U))
      ->capture_default_str();
  command->add_option("--load", arguments.load, "start with the state that --save wrote to this file");
  command->add_option("--save", arguments.save, "write the state at the end to this file");
  command->add_option("--predictions", arguments.predictions, "write each row's prediction to this file");
  command->add_flag("--json", arguments.json, "print the result as JSON");
  command->add_flag("--quiet", arguments.quiet, "no progress line");
  return command;
}

CLI::App* add_tradeoff(CLI::App& app, TradeoffArguments& arguments) {
  CLI::App* command =
      app.add_subcommand("tradeoff", "what arms earn beside what they cost, and what a spend rate buys");
  command->add_option("--environment", arguments.environment, "as in a scenario, JSON");
  command->add_option("--reward", arguments.reward, "component that is earned")->capture_default_str();
  command->add_option("--cost", arguments.cost, "component that is spent")->capture_default_str();
  command->add_option("--rate", arguments.rates, "cost a decision may have on average; may be repeated")
      ->check(CLI::Range(1e-15, 1e12));
  command->add_option("--alpha", arguments.alpha, "of budgeted_lin_ucb")->capture_default_str();
  command->add_option("--ridge", arguments.ridge, "of budgeted_lin_ucb")->capture_default_str();
  command->add_option("--seeds", arguments.seeds, "number of seeds")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("--horizon", arguments.horizon, "steps; 0: as long as the environment is, or 10,000");
  command->add_flag("--markdown", arguments.markdown, "print the tables as Markdown");
  command->add_flag("--json", arguments.json, "print the result as JSON");
  return command;
}

CLI::App* add_regret(CLI::App& app, RegretArguments& arguments) {
  CLI::App* command =
      app.add_subcommand("regret", "regret of bandits without context on coins, beside known figures");
  command->add_option("--policy", arguments.policies, "its name, or its JSON; may be repeated");
  command->add_option("--instance", arguments.instances, "number of a standard instance; may be repeated");
  command->add_option("--means", arguments.means, "an instance of your own: 0.9,0.8")->delimiter(',');
  command->add_option("--steps", arguments.steps, "pulls a run, instead of the instance's");
  command->add_option("--runs", arguments.runs, "runs; 0: as many as the known figures have, or 100");
  command->add_option("--seed", arguments.seed, "seed of all runs")->capture_default_str();
  command->add_flag("--known-horizon", arguments.known_horizon,
                    "tell the number of pulls to policies that can use it");
  command->add_option("--plots", arguments.plots, "write a chart an instance (SVG) into this folder");
  command->add_flag("--markdown", arguments.markdown, "print the table as Markdown");
  add_output(*command, arguments.output, false);
  return command;
}

CLI::App* add_sets(CLI::App& app, const char* name, const char* about, SetsArguments& arguments) {
  CLI::App* command = app.add_subcommand(name, about);
  command->add_option("--world", arguments.worlds, "name of a world; may be repeated; none: all");
  command->add_option("--policy", arguments.policies, "its name, or its JSON; may be repeated");
  command->add_option("--steps", arguments.steps, "steps a run, instead of the world's");
  command->add_option("--runs", arguments.runs, "runs, instead of the world's");
  command->add_option("--seed", arguments.seed, "seed of all runs")->capture_default_str();
  command->add_option("--plots", arguments.plots, "write a chart a world (SVG) into this folder");
  command->add_flag("--markdown", arguments.markdown, "print the tables as Markdown");
  add_output(*command, arguments.output, false);
  return command;
}

int dispatch(int argc, char** argv) {
  CLI::App app("attune-sim tries decision policies on simulated and recorded traffic.");
  app.set_version_flag("--version", "attune-sim " + std::string(version()));
  app.require_subcommand(1);
  RunArguments run;
  ReplayArguments replay;
  GatewayArguments gateway;
  DetectArguments detect;
  AnomaliesArguments anomalies;
  LearnArguments learn;
  RegretArguments regret;
  SetsArguments slates;
  SetsArguments continuous;
  TradeoffArguments tradeoff;
  SetsArguments duels;
  bool list_json = false;
  const CLI::App* run_app = add_run(app, run);
  CLI::App* list_app = app.add_subcommand("list", "what there is: environments, policies, shipped scenarios");
  list_app->add_flag("--json", list_json, "as JSON");
  const CLI::App* replay_app = add_replay(app, replay);
  const CLI::App* gateway_app = add_gateway(app, gateway);
  const CLI::App* detect_app = add_detect(app, detect);
  const CLI::App* anomalies_app = add_anomalies(app, anomalies);
  const CLI::App* learn_app = add_learn(app, learn);
  const CLI::App* regret_app = add_regret(app, regret);
  const CLI::App* slates_app = add_sets(app, "slates", "regret of bandits that choose ordered lists", slates);
  const CLI::App* continuous_app =
      add_sets(app, "continuous", "regret of bandits that choose a number", continuous);
  const CLI::App* tradeoff_app = add_tradeoff(app, tradeoff);
  const CLI::App* duels_app = add_sets(app, "duels", "regret of bandits that compare two arms", duels);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& request) {
    return app.exit(request);  // --help, --version
  } catch (const CLI::ParseError& problem) {
    complain(std::string(problem.what()) + "; see attune-sim --help");
    return static_cast<int>(Exit::input);
  }
  Exit code = Exit::ok;
  if (run_app->parsed()) {
    code = run_command(run);
  } else if (list_app->parsed()) {
    code = list_command(list_json);
  } else if (replay_app->parsed()) {
    code = replay_command(replay);
  } else if (gateway_app->parsed()) {
    code = gateway_command(gateway);
  } else if (detect_app->parsed()) {
    code = detect_command(detect);
  } else if (anomalies_app->parsed()) {
    code = anomalies_command(anomalies);
  } else if (learn_app->parsed()) {
    code = learn_command(learn);
  } else if (regret_app->parsed()) {
    code = regret_command(regret);
  } else if (slates_app->parsed()) {
    code = sets_command(slate_worlds(), slates);
  } else if (continuous_app->parsed()) {
    code = sets_command(continuous_worlds(), continuous);
  } else if (tradeoff_app->parsed()) {
    code = tradeoff_command(tradeoff);
  } else if (duels_app->parsed()) {
    code = sets_command(duel_worlds(), duels);
  }
  if (std::fflush(stdout) != 0) {
    complain("the output could not be written");
    return static_cast<int>(Exit::failed);
  }
  return static_cast<int>(code);
}

}  // namespace
}  // namespace attune::sim

int main(int argc, char** argv) {
  try {
    return attune::sim::dispatch(argc, argv);
  } catch (const std::exception& problem) {
    attune::sim::complain(problem.what());
    return static_cast<int>(attune::sim::Exit::failed);
  }
}
