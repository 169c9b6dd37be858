"use strict";
// The claims: verdict, sentence, and the interval beside what was claimed and predicted.

const VERDICTS = { supported: "good", refuted: "bad", inconclusive: "open" };

function showClaims(claims) {
  const list = element("claim-list");
  if (!claims.length) {
    make(list, "p", {}, "The study declares none.");
    return;
  }
  for (const claim of claims) {
    const card = make(list, "article", { className: "claim" });
    const line = make(card, "h3");
    make(line, "span", { className: `verdict ${VERDICTS[claim.verdict] ?? "open"}` }, claim.verdict);
    line.append(` ${claim.statement}`);
    if (claim.verdict === "supported" && claim.predicted_low !== undefined && (claim.high < claim.predicted_low || claim.low > claim.predicted_high)) {
      make(line, "small", { className: "quiet" }, ` ${claim.high < claim.predicted_low ? "below" : "above"} what was predicted`);
    }
    if (claim.kind === "paired_difference" && claim.low !== undefined) drawInterval(card, claim);
    make(card, "p", { className: "quiet" }, claim.detail);
  }
}

/** The interval as a bar around its mean, 0, and the range that was predicted. */
function drawInterval(card, claim) {
  const ends = [claim.low, claim.high, 0, claim.predicted_low, claim.predicted_high].filter((each) => each !== undefined);
  const low = Math.min(...ends), high = Math.max(...ends), room = 0.06 * (high - low || 1);
  const place = (value) => 100 * ((value - low + room) / (high - low + 2 * room));
  const predicted = claim.predicted_low === undefined ? "" : `; predicted ${spellNumber(claim.predicted_low)} to ${spellNumber(claim.predicted_high)}`;
  const words = `${spellNumber(claim.effect)}, 95 % interval ${spellNumber(claim.low)} to ${spellNumber(claim.high)}, n = ${claim.n}${predicted}`;
  const bar = make(card, "div", { className: "interval", role: "img", ariaLabel: words });
  const put = (className, from, to) => {
    const part = make(bar, "span", { className });
    part.style.left = `${place(from)}%`;
    if (to !== undefined) part.style.width = `${place(to) - place(from)}%`;
  };
  if (claim.predicted_low !== undefined) put("predicted", claim.predicted_low, claim.predicted_high);
  put("nothing", 0);
  put("range", claim.low, claim.high);
  put("mean", claim.effect);
  make(card, "p", { className: "number left" }, words);
}
