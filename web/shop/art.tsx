/** The shop's pictures, drawn by hand as SVG. Decoration only: hidden from screen readers. */

import type { Product } from "./goods";

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M2 27 12.5 7l5.5 9 3.5-4.5L30 27Z" fill="currentColor" />
      <path d="m12.5 7 3.8 6.2-2.5 1.6-1.7-1.7-2.8 2.1Z" fill="#e08a4a" />
    </svg>
  );
}

/** Evening above the tree line: sun, five ridges, pines, and one lit tent. */
export function Landscape() {
  return (
    <svg class="landscape" viewBox="0 0 1440 620" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
      <defs>
        <linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stop-color="#f7efe1" />
          <stop offset="0.55" stop-color="#f6dcc0" />
          <stop offset="1" stop-color="#eebd94" />
        </linearGradient>
        <radialGradient id="glow">
          <stop offset="0" stop-color="#fff3d6" />
          <stop offset="1" stop-color="#fff3d6" stop-opacity="0" />
        </radialGradient>
      </defs>
      <rect width="1440" height="620" fill="url(#sky)" />
      <circle cx="1040" cy="250" r="250" fill="url(#glow)" />
      <circle cx="1040" cy="250" r="66" fill="#f3a463" />
      <path
        d="M0 420 150 330l90 50 130-110 120 90 90-60 140 100 130-120 110 90 120-100 150 130 90-60 120 80v260H0Z"
        fill="#d9b79b"
      />
      <path d="m370 270 46 35-30 12-24-18-34 23Zm480 10 44 36-24 14-26-20-36 26Z" fill="#f2dfc8" opacity="0.8" />
      <path
        d="M0 470 120 410l110 50 160-120 150 110 120-70 130 90 180-140 160 120 110-60 140 80 60-30v230H0Z"
        fill="#a9957f"
      />
      <path
        d="M0 520 170 440l150 60 130-60 190 80 170-100 140 70 150-60 140 60 200-70v250H0Z"
        fill="#6f8272"
      />
      <path d="M0 550 200 500l230 40 200-50 260 60 220-70 180 50 150-40v150H0Z" fill="#3f6452" />
      <Pines />
      <path d="M0 590c160-40 320-46 520-26s330 30 520 2 280-30 400-8v62H0Z" fill="#1d4a3a" />
      <circle cx="1100" cy="548" r="80" fill="url(#glow)" opacity="0.55" />
      <path d="m1040 572 62-66 66 66Z" fill="#e08a4a" />
      <path d="m1102 506 66 66h-44Z" fill="#b9622f" />
      <path d="m1102 526 20 46h-38Z" fill="#ffe7b0" />
    </svg>
  );
}

function Pines() {
  const places = [40, 78, 104, 150, 300, 332, 610, 640, 676, 780, 1240, 1276, 1320, 1352, 1400];
  return (
    <g fill="#2a5443">
      {places.map((x, at) => {
        const height = 54 + ((at * 37) % 40);
        return (
          <path
            key={x}
            d={`M${x} ${592 - height}l${height * 0.17} ${height * 0.4}h-${height * 0.08}l${height * 0.13} ${height * 0.3}h-${height * 0.08}l${height * 0.13} ${height * 0.34}h-${height * 0.54}l${height * 0.13}-${height * 0.34}h-${height * 0.08}l${height * 0.13}-${height * 0.3}h-${height * 0.08}Z`}
          />
        );
      })}
    </g>
  );
}

export function Picture({ id }: { id: Product["id"] }) {
  const Art = ART[id];
  return (
    <svg class="picture" viewBox="0 0 240 180" aria-hidden="true">
      <Art />
    </svg>
  );
}

const ART: Record<Product["id"], () => preact.JSX.Element> = {
  tent: () => (
    <>
      <ellipse cx="120" cy="146" rx="96" ry="9" fill="#0001" />
      <path d="M28 144c10-58 44-96 92-96s82 38 92 96Z" fill="#e08a4a" />
      <path d="M120 48c48 0 82 38 92 96h-58c-2-46-14-80-34-96Z" fill="#b9622f" />
      <path d="M120 48c-20 16-32 50-34 96h68c-2-46-14-80-34-96Z" fill="#f4d9a8" />
      <path d="M120 62c-11 18-17 46-18 82h36c-1-36-7-64-18-82Z" fill="#34483d" />
      <path d="M120 62v82" stroke="#f4d9a8" stroke-width="2.5" />
      <path d="M40 112 18 146M200 112l22 34" stroke="#6b5a45" stroke-width="2" />
    </>
  ),
  boots: () => (
    <>
      <ellipse cx="122" cy="150" rx="88" ry="8" fill="#0001" />
      <path d="M66 36h56l4 44c20 8 58 12 72 32 5 8 4 16 4 22H62c-6-30 0-64 4-98Z" fill="#8a5a34" />
      <path d="M66 36h56l1 16H64Z" fill="#5f3c20" />
      <path d="M126 80c20 8 58 12 72 32 5 8 4 16 4 22h-42c0-22-14-34-38-36Z" fill="#a87044" />
      <path d="M58 132h146v10c0 5-3 8-8 8h-34l-6-6h-40l-6 6H66c-5 0-8-3-8-8Z" fill="#2b2f2d" />
      <path d="M106 62h20m-21 12h23m-22 12h28m-24 12h34" stroke="#f0c36a" stroke-width="4" stroke-linecap="round" />
    </>
  ),
  shell: () => (
    <>
      <ellipse cx="120" cy="164" rx="66" ry="7" fill="#0001" />
      <path d="M92 32c8-10 48-10 56 0l30 14 30 84-26 10-18-46v66H76V94l-18 46-26-10 30-84Z" fill="#2f6f8f" />
      <path d="M92 32c8-10 48-10 56 0-2 16-16 28-28 28S94 48 92 32Z" fill="#1f4d66" />
      <path d="M76 112h88v12H76Z" fill="#245a76" />
      <path d="M120 60v100" stroke="#f0c36a" stroke-width="3.5" />
      <path d="M88 132h20m24 0h20" stroke="#f0c36a" stroke-width="3.5" stroke-linecap="round" />
      <path d="m32 130 26 10m124 0 26-10" stroke="#1f4d66" stroke-width="6" />
    </>
  ),
  bag: () => (
    <>
      <ellipse cx="120" cy="150" rx="96" ry="8" fill="#0001" />
      <path d="M34 96c0-30 30-46 62-44l86 10c24 4 34 18 34 36s-10 34-34 38l-86 10c-32 2-62-20-62-50Z" fill="#4a6b3d" />
      <path d="M34 96c0-30 30-46 62-44 8 0 14 20 14 46s-6 48-14 48c-32 2-62-20-62-50Z" fill="#6d8f56" />
      <ellipse cx="70" cy="98" rx="26" ry="30" fill="#2d4526" />
      <path d="M48 110c10 12 34 14 46 2v14c-14 10-38 8-46-6Z" fill="#f1e6cf" />
      <path d="M132 56c5 26 5 58 0 86m28-82c5 24 5 52 0 78m26-74c5 20 5 48 0 68" stroke="#37532d" stroke-width="3" fill="none" />
      <path d="m100 60 98 12" stroke="#f0c36a" stroke-width="3" stroke-dasharray="5 4" />
    </>
  ),
  pack: () => (
    <>
      <ellipse cx="120" cy="166" rx="62" ry="7" fill="#0001" />
      <path d="M70 74c0-30 18-50 50-50s50 20 50 50v72c0 12-8 18-20 18H90c-12 0-20-6-20-18Z" fill="#a8452e" />
      <path d="M70 74c0-30 18-50 50-50s50 20 50 50c-14 14-86 14-100 0Z" fill="#c95f3f" />
      <path d="M84 108h72v40c0 6-4 10-10 10H94c-6 0-10-4-10-10Z" fill="#842f1d" />
      <path d="M84 120h72" stroke="#f0c36a" stroke-width="3" />
      <path d="M104 24c0-16 32-16 32 0" stroke="#5b2114" stroke-width="6" fill="none" />
      <path d="M98 66v34m44-34v34" stroke="#f1e6cf" stroke-width="5" />
      <path d="M92 96h12v10H92Zm44 0h12v10h-12Z" fill="#2b2f2d" />
      <path d="M58 92h14v52H62c-4 0-6-2-6-6Zm124 0h-14v52h10c4 0 6-2 6-6Z" fill="#842f1d" />
      <rect x="72" y="12" width="96" height="18" rx="9" fill="#34483d" />
    </>
  ),
  stove: () => (
    <>
      <ellipse cx="120" cy="160" rx="76" ry="7" fill="#0001" />
      <path d="M84 118h72v32c0 6-4 10-10 10H94c-6 0-10-4-10-10Z" fill="#d9a53a" />
      <path d="M84 128h72v14H84Z" fill="#f6ecd6" />
      <path d="M92 118c0-10 56-10 56 0Z" fill="#b78522" />
      <path d="M112 94h16v18h-16Z" fill="#7d8a86" />
      <path d="M128 104h30" stroke="#7d8a86" stroke-width="5" stroke-linecap="round" />
      <path d="M88 78h64m-58 0 10 18m42-18-10 18" stroke="#4a5652" stroke-width="5" stroke-linecap="round" fill="none" />
      <path d="M104 92c-6-8 4-12 2-20 10 6 8 12 14 14 2-6 0-10 4-16 8 10 8 20 2 24Z" fill="#3f8fc4" opacity="0.85" />
      <path d="M80 34h80v30c0 8-6 12-12 12H92c-6 0-12-4-12-12Z" fill="#5d6b66" />
      <path d="M76 32h88" stroke="#3c4743" stroke-width="6" stroke-linecap="round" />
      <path d="M160 46h30" stroke="#2b2f2d" stroke-width="7" stroke-linecap="round" />
      <path d="M108 22c-4-6 4-8 0-15m14 15c-4-6 4-8 0-15m14 15c-4-6 4-8 0-15" stroke="#a9b4b0" stroke-width="3" fill="none" stroke-linecap="round" />
    </>
  ),
};
