/** Looks of launcher and frame, inside a shadow root: the shop's own styles and these never meet. */
export const STYLE = `
:host{--accent:#1d5a44;--ink:#fff;all:initial;position:fixed;inset-block-end:20px;inset-inline-end:20px;z-index:2147483000;font:14px system-ui,sans-serif}
:host([data-side=start]){inset-inline:20px auto}
button{all:unset;box-sizing:border-box;position:relative;display:grid;place-items:center;inline-size:60px;block-size:60px;border-radius:50%;background:var(--accent);color:var(--ink);cursor:pointer;box-shadow:0 6px 24px #0005;transition:transform .15s}
button:hover{transform:scale(1.05)}
button:focus-visible{outline:3px solid #7db8f5;outline-offset:3px}
svg{inline-size:30px;block-size:30px;fill:none;stroke:currentColor;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}
.badge{position:absolute;inset-block-start:-4px;inset-inline-end:-4px;min-inline-size:22px;padding-inline:6px;box-sizing:border-box;border-radius:11px;background:#c3321f;color:#fff;font:700 13px/22px system-ui,sans-serif;text-align:center}
.badge[hidden]{display:none}
iframe{display:none;position:absolute;inset-block-end:76px;inset-inline-end:0;inline-size:400px;block-size:min(680px,calc(100dvh - 120px));border:0;border-radius:18px;background:Canvas;color-scheme:light dark;box-shadow:0 16px 56px #0004,0 0 0 1px #0001}
:host([data-side=start]) iframe{inset-inline:0 auto}
:host([data-open]) iframe{display:block;animation:up .18s ease-out}
@keyframes up{from{opacity:0;transform:translateY(12px)}}
@media(max-width:520px){:host([data-open]){inset:0!important}iframe{inset:0!important;inline-size:100%;block-size:100%;border-radius:0}:host([data-open]) button{display:none}}
@media(prefers-reduced-motion:reduce){iframe,button{animation:none!important;transition:none}}
@media print{:host{display:none}}
`;
