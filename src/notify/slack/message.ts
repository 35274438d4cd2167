/** A notice as people read it in Slack: what moves where, how far it is, what was judged, and the command to type. */
import type { KnownBlock } from "@slack/web-api";
import type { Notice } from "../../rollout/notice.ts";
import type { NotificationEvent } from "../../rollout/spec.ts";

export interface SlackMessage {
  /** For notifications and clients without blocks. */
  readonly text: string;
  readonly blocks: KnownBlock[];
}

const SIGNS: Readonly<Record<NotificationEvent, string>> = {
  Started: ":rocket:",
  StepReached: ":arrow_forward:",
  Paused: ":double_vertical_bar:",
  Resumed: ":arrow_forward:",
  RolledBack: ":rewind:",
  Aborted: ":octagonal_sign:",
  Superseded: ":fast_forward:",
  Succeeded: ":white_check_mark:",
  Stalled: ":warning:",
};

const BAR_CELLS = 20;
/** Slack takes 3,000 characters in a section. */
const LONGEST_SECTION = 2_900;
const MOST_CHECKS = 10;

/** The run's message as it stands after this notice. */
export function messageOf(notice: Notice): SlackMessage {
  const lines = [titleOf(notice), barOf(notice), escaped(notice.message)];
  const blocks = [section(lines.join("\n")), ...checkBlocks(notice), ...linkBlocks(notice), ...commandBlocks(notice)];
  return { text: `${notice.rollout.name}: ${notice.event}. ${escaped(notice.message)}`.slice(0, LONGEST_SECTION), blocks };
}

/** One event, for the message's thread. */
export function detailsOf(notice: Notice): string {
  return [`${SIGNS[notice.event]} *${notice.event}* at ${notice.weightPercent}%, step ${notice.step}`, escaped(notice.message), ...checkLines(notice)].join("\n").slice(0, LONGEST_SECTION);
}

/** `reviews in shop: v2 → v3`, with the revisions where only they differ. */
function titleOf({ event, rollout, from, to, run }: Notice): string {
  const isSameVersion = from.version === to.version;
  const [before, after] = isSameVersion ? [from.revision, to.revision] : [from.version, to.version];
  return `${SIGNS[event]} *${escaped(rollout.name)}* in ${escaped(rollout.namespace)}: ${escaped(before)} → *${escaped(after)}* (run ${run})`;
}

function barOf({ weightPercent, step, phase, outcome }: Notice): string {
  const filled = Math.round((Math.min(100, Math.max(0, weightPercent)) / 100) * BAR_CELLS);
  return `\`${"█".repeat(filled)}${"░".repeat(BAR_CELLS - filled)}\` ${weightPercent}% · step ${step} · ${outcome ?? phase}`;
}

function checkBlocks(notice: Notice): KnownBlock[] {
  return notice.checks.length > 0 ? [section(checkLines(notice).join("\n"))] : [];
}

function checkLines({ checks }: Notice): string[] {
  return checks.slice(0, MOST_CHECKS).map(({ name, verdict, value, limit }) => {
    const numbers = [value, limit && `limit ${limit}`].filter(Boolean).join(", ");
    return `• ${escaped(name)}: *${verdict}*${numbers && ` (${escaped(numbers)})`}`;
  });
}

function linkBlocks({ links }: Notice): KnownBlock[] {
  return links.length > 0 ? [section(links.map(({ title, url }) => `<${linkSafe(url)}|${escaped(title)}>`).join(" · "))] : [];
}

function commandBlocks({ command }: Notice): KnownBlock[] {
  return command ? [section(`\`\`\`${escaped(command)}\`\`\``)] : [];
}

function section(text: string): KnownBlock {
  return { type: "section", text: { type: "mrkdwn", text: text.slice(0, LONGEST_SECTION) } };
}

/** Slack reads three characters as markup; with them gone nobody can be mentioned by a text. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function linkSafe(url: string): string {
  return escaped(url).replaceAll("|", "%7C");
}
