// SPDX-License-Identifier: Apache-2.0
// Pages of the commands that read records as they are.
#include "tools/inspect/command_pages.hpp"

namespace attune::tools {

std::vector<CommandInfo> looking_commands() {
  using enum OptionKey;
  return {
      {.command = Command::summary,
       .name = "summary",
       .operands = {},
       .brief = "a store at a glance: health, sizes, rates, last checkpoint, what is pending",
       .text = "Says whether the store is sound as far as a look can tell, how large it is, who writes it "
               "now, how many "
               "records it holds, how fast they came in the last minute and hour before its last record, "
               "which checkpoint a "
               "restart would begin with and how many records it would replay after it, and how many "
               "decisions still wait "
               "for their outcome.\n\n"
               "What is pending is derived: the newest checkpoint is loaded and the records after it are "
               "folded, as a "
               "restart would do. Where the configuration kept in the store does not allow that, the reason "
               "is given "
               "instead of a number.\n\n"
               "Cost: constant but for reading the newest checkpoint, folding what came after it, and at "
               "most 200,000 records "
               "for the rates.",
       .options = {json},
       .examples = {{"gateway.db", "The same as: attune-inspect gateway.db summary."},
                    {"gateway.db summary --json",
                     "For a monitoring script; the exit code says whether it is sound."}}},
      {.command = Command::points,
       .name = "points",
       .operands = {},
       .brief = "traffic of each decision point",
       .text = "One line a decision point: policy, decisions, outcomes, answered share, arms, the shares of "
               "decisions that "
               "explored, that a fallback answered, that have no propensity yet, the median delay of "
               "outcomes, first and "
               "last time; where a point is killed or frozen, or a guard is out or tests again, what that is "
               "now (see guards).\n\n"
               "Counts are over the records looked at. An outcome whose decision is not among them is "
               "counted apart.",
       .options = {point, from, to, last, json, csv},
       .examples = {{"gateway.db points", ""},
                    {"gateway.db points --from -1h", "The last hour of the journal."}}},
      {.command = Command::arms,
       .name = "arms",
       .operands = {},
       .brief = "what each arm got and gave: pulls, outcomes, estimate with interval, share over time",
       .text = "One line an arm: its state, how often it was chosen, how often to explore, its outcomes, the "
               "mean of every "
               "component with a 95 % interval, and its share of the point's decisions in each twentieth of "
               "them, oldest "
               "first: as bars on a terminal, as numbers in JSON.\n\n"
               "The interval takes outcomes for independent, which those of a policy that adapts are not "
               "quite: read it as a "
               "scale. What the policy itself believes is shown by the command show.",
       .options = {point, arm, from, to, last, bars, json, csv},
       .examples = {{"gateway.db arms --point model", ""},
                    {"gateway.db arms --last 100000", "What happens now, without what happened before."}}},
      {.command = Command::decisions,
       .name = "decisions",
       .operands = {},
       .brief = "the newest decisions with what came back for them",
       .text =
           "The newest decisions that fit all conditions, newest last, each with its outcomes. --before "
           "N goes further "
           "back: use the first position shown.\n\n"
           "Policies that draw samples (Thompson sampling) leave the propensity open. With --propensities it "
           "is "
           "found: the state that made each decision is folded again, and the probability of its choice is "
           "computed, by quadrature where the posteriors are known (seven digits), else by repeated choices, "
           "with its standard error.\n\n"
           "Cost: what is looked at, from the end backwards, until enough was found; an id is found by "
           "the time that it "
           "contains. --propensities: a fold from the newest checkpoint that is 65,536 records before the "
           "first "
           "one shown, and about a millisecond a decision.",
       .options = {point, arm, from, to, id, episode, before, limit, propensities, json, csv},
       .examples = {{"gateway.db decisions --point model --arm large --from -15m", ""},
                    {"gateway.db decisions --propensities --limit 100000 --csv",
                     "For off-policy evaluation."},
                    {"gateway.db decisions --episode session-81", "One session, in order."}}},
      {.command = Command::outcomes,
       .name = "outcomes",
       .operands = {},
       .brief = "what came back, for which decision, and how late",
       .text = "The newest outcomes that fit all conditions, newest last: components, delay since the "
               "decision, arm, key. An "
               "outcome whose decision is not in the journal is marked as such. --arm and --episode are "
               "those of the "
               "decision.",
       .options = {point, arm, from, to, id, episode, before, limit, json, csv},
       .examples = {{"gateway.db outcomes --id 018bcfe5-687b-7000-8000-9e3779b97f4a", ""},
                    {"gateway.db outcomes --from 2026-01-31T12:00:00Z --to 2026-01-31T12:05:00Z --json",
                     ""}}},
      {.command = Command::checkpoints,
       .name = "checkpoints",
       .operands = {},
       .brief = "every checkpoint, read and checked",
       .text = "One line a checkpoint: number, position, time, age, sizes, and whether its state can be "
               "used. A damaged one "
               "makes the exit code 1.",
       .options = {json, csv},
       .examples = {{"gateway.db checkpoints", ""}}},
      {.command = Command::guards,
       .name = "guards",
       .operands = {},
       .brief = "guards, kill switches, freezes: what overrules the policies, since and until when",
       .text =
           "For each decision point: the kill switch and the change freeze with who, when and why; the "
           "arms that guards hold back; how many decisions each rung gave, and for which reasons; what "
           "was explored; each guard of docs/safety.md at each arm; and the kills and freezes of the "
           "audit trail, oldest first.\n\n"
           "A guard is quiet, out (it tripped, and does what its column \"does\" says), or on probation "
           "(some decisions test the arm again). Its value is what it compares with its limit; a "
           "guard that is out takes no samples and has none. Quiet guards of a point's arms from the 65th "
           "on are left out.\n\n"
           "Until when: a cool-down's end, when tests begin; the end of a budget's period, which a large "
           "overdraft can outlast; the share below which an arm is back; the samples that decide a "
           "probation. Where earlier trips may have doubled a cool-down, it is the earliest and the "
           "latest end. Time is that of the records: nothing ends before a record comes.\n\n"
           "The state is derived as a restart would: the newest checkpoint, and the records after it. "
           "An engine may go on writing meanwhile; nothing is changed.\n\n"
           "The exit code does not depend on guards and switches; it is 1 when the state cannot be "
           "derived or the audit trail is damaged. doctor makes it 1 for what is out.\n\n"
           "Cost: reading the newest checkpoint, and folding what came after it.",
       .options = {point, json},
       .examples = {{"gateway.db guards", "What is out, who switched what, and when it comes back."},
                    {"gateway.db guards --point model --json", "One point, for a monitoring script."}}},
      {.command = Command::doctor,
       .name = "doctor",
       .operands = {},
       .brief = "what is wrong, most urgent first, and what to do next",
       .text =
           "Looks at everything that can be wrong and says for each finding how urgent it is, what was "
           "seen, and what to do "
           "next: records that were lost or are damaged, checkpoints that cannot be used or are old, a "
           "log file that grows, "
           "a writer that is silent, points that are killed or frozen, guards that are out, policies that "
           "do not answer, outcomes that do not come back, arms "
           "that starve, values "
           "that are no numbers.\n\n"
           "Urgency: critical (data or decisions are at stake now), warning (will hurt), note (worth "
           "knowing). The exit code "
           "is 1 when anything critical or a warning was found. It reads and checks every record unless "
           "--last says "
           "otherwise; --full also replays the journal against the checkpoints.",
       .options = {last, full, json},
       .examples = {{"gateway.db doctor", "First command at three in the morning."},
                    {"gateway.db doctor --last 100000",
                     "The same on a large store, with the newest records only."}}},
  };
}

}  // namespace attune::tools
