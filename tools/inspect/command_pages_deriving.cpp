// SPDX-License-Identifier: Apache-2.0
// Pages of the commands that fold records into state again.
#include "tools/inspect/command_pages.hpp"

namespace attune::tools {

std::vector<CommandInfo> deriving_commands() {
  using enum OptionKey;
  return {
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
