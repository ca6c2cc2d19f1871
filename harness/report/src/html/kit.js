"use strict";
// Drawing kit of the report: SVG elements, markers, axes, numbers, selects.

const DATA = JSON.parse(document.getElementById("data").textContent) || { scatter: [], timelines: [] };
const SVG = "http://www.w3.org/2000/svg";

/** Adds an element; attributes that are undefined are left out. Text from data only ever becomes text. */
function add(parent, tag, attributes = {}, text) {
  const svg = parent.namespaceURI === SVG || tag === "svg";
  const element = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value);
  }
  if (text !== undefined) element.textContent = text;
  parent.appendChild(element);
  return element;
}

const MARKERS = [
  (r) => `M${-r} 0A${r} ${r} 0 1 1 ${r} 0A${r} ${r} 0 1 1 ${-r} 0Z`,
  (r) => `M${-r} ${-r}H${r}V${r}H${-r}Z`,
  (r) => `M0 ${-1.25 * r}L${1.2 * r} ${0.95 * r}H${-1.2 * r}Z`,
  (r) => `M0 ${-1.35 * r}L${1.35 * r} 0L0 ${1.35 * r}L${-1.35 * r} 0Z`,
  (r) => `M0 ${1.25 * r}L${1.2 * r} ${-0.95 * r}H${-1.2 * r}Z`,
  (r) => { const t = r / 2.4, s = 1.2 * r; return `M${-t} ${-s}H${t}V${-t}H${s}V${t}H${t}V${s}H${-t}V${t}H${-s}V${-t}H${-t}Z`; },
  (r) => { const s = [...Array(10).keys()].map((i) => {
    const a = Math.PI * (i / 5 - 0.5), q = r * (i % 2 ? 0.65 : 1.5);
    return `${(q * Math.cos(a)).toFixed(2)} ${(q * Math.sin(a)).toFixed(2)}`;
  }); return `M${s.join("L")}Z`; },
];
const colourOf = (slot) => `var(--c${slot % 8})`;

/** A marker centred at a point; hollow ones are for the other flows of a case. */
function marker(parent, slot, x, y, radius, hollow, attributes = {}) {
  const paint = hollow
    ? `fill:var(--back);stroke:${colourOf(slot)};stroke-width:${radius > 5 ? 2.4 : 1.6}`
    : `fill:${colourOf(slot)};stroke:var(--back);stroke-width:1`;
  return add(parent, "path", { d: MARKERS[slot % 7](radius), transform: `translate(${x} ${y})`, style: paint, ...attributes });
}

/** A small picture of a marker, for tables and legends. */
function markerIcon(parent, slot, hollow) {
  marker(add(parent, "svg", { viewBox: "-7 -7 14 14", "aria-hidden": "true" }), slot, 0, 0, 4.6, hollow);
}

/** Round values between two bounds. */
function ticks(low, high, count) {
  const raw = (high - low) / Math.max(1, count) || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(+(i * step).toPrecision(12));
  return found;
}

/** Round values between two positive bounds, for a logarithmic axis. */
function logTicks(low, high, count) {
  for (const steps of [[1, 2, 5], [1, 3], [1]]) {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      found.push(...steps.map((step) => +(step * 10 ** power).toPrecision(12)).filter((v) => v >= low && v <= high));
    }
    if (found.length <= count || steps.length === 1) return found;
  }
}

/** Bounds that hold all values with some room, down to zero where that is near. */
function bounds(values) {
  let low = Math.min(...values), high = Math.max(...values);
  if (!(low <= high)) return [0, 1];
  if (low >= 0 && low < 0.5 * high) low = 0;
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  return [low === 0 ? 0 : low - room, high + room];
}

/** Three significant digits, without an exponent. */
function brief(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 || size === 0 ? 0 : size >= 9.995 ? 1 : 2);
}

/** A labelled choice; `choices` are [value, text]. */
function select(parent, name, choices, chosen, changed) {
  const label = add(parent, "label", {}, name);
  const box = add(label, "select");
  for (const [value, text] of choices) add(box, "option", { value }, text);
  box.value = chosen;
  box.addEventListener("change", () => changed(box.value));
  return box;
}

function copyText(text) {
  const fallback = () => {
    const area = add(document.body, "textarea", { style: "position:fixed;opacity:0" });
    area.value = text;
    area.select();
    document.execCommand("copy");
    area.remove();
  };
  if (navigator.clipboard) navigator.clipboard.writeText(text).catch(fallback); else fallback();
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", () => {
    copyText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1200);
  });
}
for (const place of document.querySelectorAll(".marker[data-slot]")) {
  markerIcon(place, +place.dataset.slot, "hollow" in place.dataset);
}
