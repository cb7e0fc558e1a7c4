// SPDX-License-Identifier: Apache-2.0
// Pages of the commands that fold records into state again.
#include "tools/inspect/command_pages.hpp"

namespace attune::tools {

std::vector<CommandInfo> deriving_commands() {
  using enum OptionKey;
  return {
      {.command = Command::explain,
       .name = "explain",
       .operands = "ID",
       .least = 1,
       .most = 1,
       .brief = "why a decision was made: derived again, and compared with its record",
       .text = "Takes the id of a decision, or the position of its record, and makes that decision again: "
               "the policy's state at "
               "the version that chose, the context as it was encoded, the arms that could be chosen with "
               "score and probability, "
               "the random draws, which depend on seed, point and number alone, and the answer. Then it says "
               "whether the record "
               "says the same, bit for bit, and what came back, when, and what became of it.\n\n"
               "A policy that draws a sample for each decision (Thompson sampling) has no score of its own "
               "for the arms that "
               "were not chosen, and no closed form of the probability: such cells say so. What became of an "
               "outcome: learned, "
               "waiting (more was awaited), learned_late, duplicate, conflict, late, and the other fates of "
               "docs/rewards.md.\n\n"
               "The exit code is 1 when the derivation differs from the record.",
       .options = {json},
       .examples = {{"gateway.db explain 018bd031-ce98-765e-9503-62d586f114d0", ""},
                    {"gateway.db explain 9961", "The decision in record 9,961."}}},
      {.command = Command::verify,
       .name = "verify",
       .operands = {},
       .brief = "read and check everything; replay from each checkpoint to the next, bit for bit",
       .text =
           "Checks the checksum, position, table and chain of every record, SQLite's pages, the seal and "
           "hash of every "
           "checkpoint. Then it folds the records between one checkpoint and the next with the configuration "
           "kept in the "
           "store, and compares the state that results with the state in that checkpoint, bit for bit. The "
           "first stretch "
           "begins at the first record.\n\n"
           "What is broken is named: the record, the checkpoint, or the stretch of records that does not "
           "lead from one "
           "checkpoint to the next, with the decision points whose state differs. A checkpoint that was "
           "taken under "
           "another configuration than today's cannot be replayed to, and is said to be unproven instead.\n\n"
           "Cost: one pass over all records, and one fold.",
       .options = {json},
       .examples = {{"gateway.db verify", "Before a backup is trusted, or after a disk made trouble."}}},
      {.command = Command::show,
       .name = "show",
       .operands = "[POINT]",
       .least = 0,
       .most = 1,
       .brief = "what a policy believes, for people or as a table for machines",
       .text = "The state of one decision point's policy, or of all: its version, what it counted, and its "
               "numbers, one "
               "row an arm (an optimizer: its best trials). --at shows an earlier state.\n\n"
               "The state is derived: the newest sound checkpoint at or before that record, and the records "
               "after it.",
       .options = {at, json, csv},
       .examples = {{"gateway.db show model", ""},
                    {"gateway.db show model --at c7 --csv", "As checkpoint 7 has it, for a spreadsheet."},
                    {"gateway.db show --at 120000 --json", "All points after record 120,000."}}},
      {.command = Command::diff,
       .name = "diff",
       .operands = "A [B]",
       .least = 1,
       .most = 2,
       .brief = "what differs between two states: which points, arms and values, and by how much",
       .text =
           "A and B are positions (120000), checkpoints (c7) or files of other stores, whose end is meant. "
           "Without B, A "
           "is compared with the end of STORE.\n\n"
           "Points and arms are matched by name. Each value that is not the same, bit for bit, is shown with "
           "both sides "
           "and their difference. The exit code is 0 whether or not something differs; --json has \"equal\".",
       .options = {point, limit, json},
       .examples = {{"gateway.db diff c6 c7", "What the policy learned between two checkpoints."},
                    {"gateway.db diff restored.db", "Whether a restored copy knows the same."}}},
      {.command = Command::replay,
       .name = "replay",
       .operands = {},
       .brief = "what another policy would have learned from this journal, and what it would be worth",
       .text =
           "Folds the whole journal under another configuration: the logged choices and outcomes, "
           "learned by another policy. "
           "FILE is laid over the store's own configuration: what it says of a point's policy, reward, "
           "arms and so on "
           "replaces that, what it leaves out stays. Arms are matched by their order, contexts must be "
           "encoded alike. "
           "Without --with, the store's own configuration is judged.\n\n"
           "For each point it shows what that policy believes at the end, and estimates the reward a "
           "decision would have "
           "got with it, choosing at each decision by what it had learned until then: IPS and SNIPS with "
           "95 % intervals and "
           "the effective sample size. --from, --to and --last select the decisions that are judged; "
           "everything before is "
           "learned from.\n\n"
           "These estimates need the probability of each logged choice, and a log in which every arm had "
           "a chance. Where the policy that chose had left it open (Thompson sampling) it is found first, as "
           "decisions --propensities does. Where something is missing it is said: a warning where "
           "the mean weight is not 1, where choices were certain, where rewards came by default. A "
           "policy is learned from "
           "what another one chose; had it chosen itself, it would have seen more of what it likes.",
       .options = {with, point, from, to, last, json},
       .examples = {{"gateway.db replay --with candidate.json", ""},
                    {"gateway.db replay --with candidate.json --last 20000",
                     "Judged on the newest traffic only."}}},
      {.command = Command::plot,
       .name = "plot",
       .operands = {},
       .brief = "learning curves and arm shares as SVG files",
       .text = "Writes two pictures for each decision point into the folder of --out (default: this one): "
               "POINT-shares.svg, the "
               "share of each arm over its decisions, and POINT-learning.svg, the mean of each component in "
               "windows of at least "
               "fifty decisions with its 95 % interval, and the mean so far. The files need nothing else to "
               "be seen. Nothing "
               "is overwritten.",
       .options = {point, from, to, last, out, json},
       .examples = {{"gateway.db plot --out pictures", ""},
                    {"gateway.db plot --point model --from -1d --out today", ""}}},
      {.command = Command::help,
       .name = "help",
       .operands = "[COMMAND]",
       .least = 0,
       .most = 1,
       .brief = "the page of one command",
       .text = "Prints the overview, or the page of one command.",
       .options = {},
       .examples = {{"help explain", ""}}},
  };
}

}  // namespace attune::tools
