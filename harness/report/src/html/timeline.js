// What happened in one case: panels over one time axis with a shared cursor.

(function timeline() {
  const place = document.getElementById("timeline-panels");
  if (!place || !DATA.timelines.length) return;
  const controls = document.getElementById("timeline-controls");
  const readout = document.getElementById("timeline-readout");
  const gauges = document.getElementById("timeline-gauges");
  const LEFT = 58, RIGHT = 16, TOP = 8;
  const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const NO_VALUE = 4095;

  // What the panels draw; `hidden` lines wait in the legend.
  const PANELS = [
    { title: "Rate, kbps", whole: "mean", height: 190, averaged: true, lines: [
      { of: "link", quantity: "capacity_kbps", name: "capacity", style: "area", colour: "capacity" },
      { of: "flow", quantity: "target_kbps", name: "target", style: "dashed", colour: "target" },
      { of: "flow", quantity: "sent_kbps", name: "sent", style: "line", colour: "sent" },
      { of: "flow", quantity: "received_kbps", name: "received", style: "line", colour: "received" },
      { of: "flow", quantity: "pacing_kbps", name: "pacing", style: "dotted", colour: "pacing", hidden: true },
      { of: "flow", quantity: "rtx_kbps", name: "retransmitted", style: "line", colour: "rtx", hidden: true },
      { of: "link", quantity: "delivered_kbps", name: "delivered by link", style: "dotted", colour: "c7", hidden: true },
    ] },
    { title: "Delay, ms", whole: "highest", height: 150, lines: [
      { of: "link", quantity: "queue_ms", name: "queue", style: "area", colour: "queue" },
      { of: "flow", quantity: "one_way_delay_ms", name: "one-way", style: "line", colour: "one-way" },
      { of: "flow", quantity: "frame_delay_ms", name: "frame", style: "line", colour: "frame" },
    ] },
    { title: "Window, bytes", whole: "mean", height: 110, lines: [
      { of: "flow", quantity: "in_flight_bytes", name: "in flight", style: "area", colour: "sent" },
      { of: "flow", quantity: "cwnd_bytes", name: "window", style: "line", colour: "c1" },
      { of: "flow", quantity: "ssthresh_bytes", name: "slow start threshold", style: "dotted", colour: "c7" },
    ] },
    { title: "Packets", whole: "total", height: 100, counts: true, lines: [
      { of: "link", quantity: "losses", name: "lost on link", style: "bars", colour: "losses" },
      { of: "link", quantity: "drops", name: "dropped by queue", style: "bars", colour: "drops" },
      { of: "flow", quantity: "nacks", name: "NACKs", style: "line", colour: "nacks" },
    ] },
  ];
  const KNOWN = new Set(PANELS.flatMap((panel) => panel.lines.map((line) => line.quantity)).concat("frozen"));

  const state = { at: 0, flow: "", link: "", from: 0, to: 1, hidden: new Set(), cursor: null, drag: null, log: null };
  for (const panel of PANELS) for (const line of panel.lines) if (line.hidden) state.hidden.add(line.name);
  // Without flows it is all that there is to see of a rate.
  if (DATA.timelines.every((timeline) => timeline.flows.length === 0)) state.hidden.delete("delivered by link");
  let shown = [];

  function unpack(packed) {
    const values = new Float64Array(packed.v.length / 2);
    for (let i = 0; i < values.length; i++) {
      const code = ALPHABET.indexOf(packed.v[2 * i]) * 64 + ALPHABET.indexOf(packed.v[2 * i + 1]);
      values[i] = code === NO_VALUE ? NaN : packed.lo + code * packed.by;
    }
    return values;
  }

  /** A column of the shown case, unpacked once. */
  function column(of, name, quantity) {
    const found = DATA.timelines[state.at].columns.find((c) => c.of === of && c.name === name && c.quantity === quantity);
    if (!found) return null;
    found.values ??= unpack(found.data);
    return { values: found.values, dt: found.data.dt };
  }

  /** The link that limits a flow: the one on its route with the least capacity. */
  function linkOf(flow, links) {
    const route = (DATA.timelines[state.at].routes[flow] ?? []).filter((name) => links.includes(name));
    const capacity = (name) => mean(column("link", name, "capacity_kbps")?.values ?? []);
    return route.sort((a, b) => (capacity(a) || Infinity) - (capacity(b) || Infinity))[0];
  }

  function mean(values) {
    const found = values.filter((v) => !Number.isNaN(v));
    return found.length ? found.reduce((a, v) => a + v, 0) / found.length : NaN;
  }

  /** Rates in bins of a few pixels, so that single packets do not make spikes. */
  function averaged({ values, dt }) {
    const wanted = (state.to - state.from) / 160;
    const wide = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60].find((bin) => bin >= wanted) ?? wanted;
    const size = Math.max(1, Math.round(wide / dt));
    if (size === 1) return { values, dt };
    const bins = Float64Array.from({ length: Math.ceil(values.length / size) }, (_, i) => mean(values.subarray(i * size, (i + 1) * size)));
    return { values: bins, dt: dt * size };
  }

  const subject = (of) => (of === "flow" ? state.flow : state.link);
  const indices = ({ values, dt }) => [
    Math.max(0, Math.floor(state.from / dt)), Math.min(values.length, Math.ceil(state.to / dt)),
  ];

  /** Spans in which the picture stands still. */
  function freezes() {
    const frozen = column("flow", state.flow, "frozen");
    const spans = [];
    if (!frozen) return spans;
    frozen.values.forEach((value, i) => {
      if (!(value > 0)) return;
      const last = spans[spans.length - 1];
      if (last && last.end === i) last.end = i + 1; else spans.push({ start: i, end: i + 1 });
    });
    return spans.map(({ start, end }) => [start * frozen.dt, end * frozen.dt]);
  }

  function showCase(index, flow) {
    const old = DATA.timelines[state.at], next = DATA.timelines[index];
    state.at = index;
    state.flow = [flow, state.flow, ...next.flows].find((name) => next.flows.includes(name)) ?? "";
    const withSeries = next.links.filter((name) => next.columns.some((c) => c.of === "link" && c.name === name));
    const links = withSeries.length ? withSeries : next.links;
    state.link = linkOf(state.flow, links) ?? [state.link, ...links].find((name) => links.includes(name)) ?? "";
    if (old.end !== next.end) { state.from = 0; state.to = next.end; }
    document.getElementById("timeline-command").textContent = next.command;
    showControls(links);
    draw();
  }

  function showControls(links) {
    controls.textContent = "";
    const now = DATA.timelines[state.at];
    const groups = [...new Set(DATA.timelines.map((t) => t.group))];
    const bySeed = (group, seed) => {
      const found = DATA.timelines.findIndex((t) => t.group === group && t.seed === seed);
      return found >= 0 ? found : DATA.timelines.findIndex((t) => t.group === group);
    };
    markerIcon(add(controls, "span", { class: "marker" }), now.slot);
    select(controls, "case", groups.map((g) => [g, g]), now.group, (group) => showCase(bySeed(group, now.seed)));
    const seeds = DATA.timelines.filter((t) => t.group === now.group).map((t) => t.seed);
    select(controls, "seed", seeds.map((s) => [s, s]), now.seed, (seed) => showCase(bySeed(now.group, seed)));
    if (now.flows.length > 1) {
      select(controls, "flow", now.flows.map((f) => [f, f]), state.flow, (flow) => showCase(state.at, flow));
    }
    if (links.length > 1) {
      select(controls, "link", links.map((l) => [l, l]), state.link, (link) => { state.link = link; draw(); });
    }
    const whole = add(controls, "button", { type: "button", id: "timeline-whole" }, "whole run");
    whole.addEventListener("click", () => zoom(0, now.end));
  }

  function zoom(from, to) {
    state.from = Math.max(0, from);
    state.to = Math.min(DATA.timelines[state.at].end, to);
    draw();
  }

  function draw() {
    const now = DATA.timelines[state.at];
    document.getElementById("timeline-whole").hidden = state.from === 0 && state.to === now.end;
    const spans = freezes();
    shown = [];
    place.textContent = "";
    PANELS.forEach((panel, i) => drawPanel(place, panel, spans, i === PANELS.length - 1));
    const inside = gauges.querySelector("div");
    inside.textContent = "";
    const own = now.columns.filter((c) => c.of === "flow" && c.name === state.flow && !KNOWN.has(c.quantity));
    gauges.hidden = own.length === 0;
    if (gauges.open) {
      own.forEach(({ quantity }, i) => drawPanel(inside, { title: quantity, height: 70, gauge: true, lines: [
        { of: "flow", quantity, name: "", style: "line", colour: `c${i % 8}` },
      ] }, spans, i === own.length - 1));
    }
    tell();
  }

  function drawPanel(parent, panel, spans, last) {
    const lines = panel.lines
      .map((line) => ({ ...line, data: column(line.of, subject(line.of), line.quantity) }))
      .filter((line) => line.data)
      .map((line) => ({ ...line, drawn: panel.averaged ? averaged(line.data) : line.data }));
    if (!lines.length) return;
    const visible = lines.filter((line) => !state.hidden.has(line.name));
    const box = add(parent, "div", { class: "panel" });
    const keys = add(box, "div", { class: "keys" });
    const bin = panel.averaged ? lines[0].drawn.dt : 0;
    const title = add(keys, "span", { class: "title" }, panel.title);
    if (bin > 0.15) add(title, "span", { class: "aside" }, ` in steps of ${+bin.toFixed(2)} s`);
    const width = Math.max(320, box.clientWidth), bottom = last ? 24 : 6, height = panel.height + TOP + bottom;
    const log = panel === PANELS[1] && isLog(visible);
    const [low, high] = log ? logRange(visible) : range(panel, visible);
    const px = (t) => LEFT + (t - state.from) / (state.to - state.from) * (width - LEFT - RIGHT);
    const up = (v) => (log ? Math.log(Math.max(v, low) / low) / Math.log(high / low) : (Math.min(v, high) - low) / (high - low));
    const py = (v) => TOP + panel.height - up(v) * panel.height;
    const svg = add(box, "svg", { viewBox: `0 0 ${width} ${height}`, height, class: "plot" });
    const clip = `clip-${shown.length}`;
    add(add(svg, "clipPath", { id: clip }), "rect", { x: LEFT, y: TOP - 2, width: width - LEFT - RIGHT, height: panel.height + 4 });

    const rows = log ? logTicks(low, high, 5) : ticks(low, high, panel.height / 34);
    for (const tick of panel.counts ? rows.filter(Number.isInteger) : rows) {
      add(svg, "line", { x1: LEFT, x2: width - RIGHT, y1: py(tick), y2: py(tick), class: "grid" });
      add(svg, "text", { x: LEFT - 8, y: py(tick) + 4, "text-anchor": "end" }, `${tick}`);
    }
    for (const tick of ticks(state.from, state.to, width / 110)) {
      add(svg, "line", { x1: px(tick), x2: px(tick), y1: TOP, y2: TOP + panel.height, class: "grid" });
      if (last) add(svg, "text", { x: px(tick), y: height - 6, "text-anchor": "middle" }, `${tick} s`);
    }
    const body = add(svg, "g", { "clip-path": `url(#${clip})` });
    for (const [from, to] of spans) {
      const at = { x: px(from), width: Math.max(1, px(to) - px(from)) };
      add(body, "rect", { ...at, y: TOP, height: panel.height, class: "freeze" });
      add(body, "rect", { ...at, y: TOP - 2, height: 4, class: "freeze-edge" });
    }
    if (panel.counts) drawBars(body, visible.filter((line) => line.style === "bars"), px, py);
    for (const line of visible) if (line.style !== "bars") drawLine(body, line, px, py, low);
    unmeasured(body, px, panel);
    const cursor = add(svg, "line", { y1: TOP, y2: TOP + panel.height, class: "cursor", visibility: "hidden" });
    const selection = add(svg, "rect", { y: TOP, height: panel.height, class: "selection", visibility: "hidden" });
    if (panel === PANELS[0] && spans.length) freezeKey(keys);
    for (const line of lines) line.output = key(keys, line, panel);
    if (panel === PANELS[1]) logKey(keys, log);
    shown.push({ svg, width, px, cursor, selection, lines, counts: panel.counts, whole: panel.whole });
    follow(svg, width);
  }

  /** Fades what the scores leave out. */
  function unmeasured(parent, px, panel) {
    const { window, end } = DATA.timelines[state.at];
    if (!window) return;
    for (const [from, to] of [[0, window.from], [window.to, end]]) {
      if (to - from < 0.2 || to <= state.from || from >= state.to) continue;
      const x = px(from), width = px(to) - x;
      add(parent, "rect", { x, width, y: TOP, height: panel.height, class: "unmeasured" });
      if (panel === PANELS[0] && width > 90) add(parent, "text", { x: Math.max(x, LEFT) + 6, y: TOP + 14 }, "not measured");
    }
  }

  const inView = (line) => line.data.values.subarray(...indices(line.data)).filter((v) => !Number.isNaN(v)).sort();

  /** Delays have a logarithmic axis if the greatest would flatten all others. */
  function isLog(visible) {
    if (state.log !== null) return state.log;
    return visible.some((line) => {
      const sorted = inView(line), middle = sorted[sorted.length >> 1];
      return line.style === "line" && middle > 0 && sorted[sorted.length - 1] > 20 * middle;
    });
  }

  /** From the least delay that is not next to nothing. */
  function logRange(visible) {
    const values = visible.map(inView).filter((sorted) => sorted.length);
    const high = Math.max(2, ...values.map((sorted) => sorted[sorted.length - 1]));
    const low = Math.min(...values.map((sorted) => sorted[0]));
    return [Math.max(1, Math.min(low, high / 2)), high * 1.15];
  }

  function logKey(parent, log) {
    const button = add(parent, "button", { type: "button", class: "scale", "aria-pressed": String(log) }, "log scale");
    button.addEventListener("click", () => { state.log = !log; draw(); });
  }

  /** Room for the lines; a capacity far above all rates is cut. */
  function range(panel, visible) {
    const highest = (line) => {
      const [from, to] = indices(line.drawn);
      return line.drawn.values.subarray(from, to).reduce((a, v) => (v > a ? v : a), -Infinity);
    };
    if (panel.gauge) {
      const [from, to] = indices(visible[0].data);
      return bounds([...visible[0].data.values.subarray(from, to)].filter((v) => !Number.isNaN(v)));
    }
    const capacity = visible.filter((line) => line.quantity === "capacity_kbps").map(highest);
    const others = Math.max(0, ...visible.filter((line) => line.quantity !== "capacity_kbps").map(highest));
    const top = Math.max(others, ...capacity.map((value) => (others > 0 ? Math.min(value, others * 1.5) : value)));
    return [0, top > 0 && top < Infinity ? top * 1.06 : 1];
  }

  function drawLine(parent, line, px, py, low) {
    const { values, dt } = line.drawn;
    const [from, to] = indices(line.drawn);
    const area = line.style === "area";
    const parts = [];
    const first = Math.max(0, from - 1);
    for (let i = first; i < Math.min(values.length, to + 1); i++) {
      if (Number.isNaN(values[i])) continue;
      const y = py(values[i]).toFixed(1), starts = i === first || Number.isNaN(values[i - 1]);
      if (area) parts.push(`${starts ? "M" : "L"}${px(i * dt).toFixed(1)} ${y}H${px((i + 1) * dt).toFixed(1)}`);
      else parts.push(`${starts ? "M" : "L"}${px((i + 0.5) * dt).toFixed(1)} ${y}${starts ? "h.1" : ""}`);
    }
    const outline = parts.join("");
    if (area) {
      const floor = py(low).toFixed(1);
      const closed = outline.split("M").filter(Boolean).map((run) => {
        const left = run.slice(0, run.indexOf(" "));
        return `M${run}V${floor}H${left}Z`;
      }).join("");
      add(parent, "path", { d: closed, style: `fill:var(--${line.colour});opacity:.18` });
    }
    add(parent, "path", { d: outline, class: "line", "stroke-dasharray": dash(line.style),
      style: `stroke:var(--${line.colour})${area ? ";stroke-width:1.2" : ""}` });
  }

  const dash = (style) => ({ dashed: "6 4", dotted: "2 4" })[style];

  /** Bars stand on each other. */
  function drawBars(parent, lines, px, py) {
    if (!lines.length) return;
    const below = [];
    for (const line of lines) {
      const { values, dt } = line.data;
      const [from, to] = indices(line.data);
      let path = "";
      for (let i = from; i < to; i++) {
        if (!(values[i] > 0)) continue;
        const base = below[i] || 0, left = px(i * dt), right = Math.max(px((i + 1) * dt) - 0.3, left + 1.2);
        path += `M${left.toFixed(1)} ${py(base).toFixed(1)}V${py(base + values[i]).toFixed(1)}H${right.toFixed(1)}V${py(base).toFixed(1)}Z`;
        below[i] = base + values[i];
      }
      add(parent, "path", { d: path, style: `fill:var(--${line.colour})` });
    }
  }

  /** An entry of the legend: shows the value, hides the line. Returns where the value goes. */
  function key(parent, line, panel) {
    if (panel.gauge) return add(parent, "b");
    const button = add(parent, "button", { type: "button", "aria-pressed": String(!state.hidden.has(line.name)) });
    const swatch = add(button, "svg", { viewBox: "0 0 18 10", class: "swatch", "aria-hidden": "true" });
    if (line.style === "bars" || line.style === "area") {
      add(swatch, "rect", { x: 0, y: 1, width: 18, height: 8, style: `fill:var(--${line.colour})`, opacity: line.style === "area" ? 0.4 : 1 });
    } else {
      add(swatch, "path", { d: "M0 5H18", class: "line", "stroke-dasharray": dash(line.style), style: `stroke:var(--${line.colour});stroke-width:2.4` });
    }
    button.append(line.name);
    button.addEventListener("click", () => {
      if (!state.hidden.delete(line.name)) state.hidden.add(line.name);
      draw();
    });
    return add(button, "b");
  }

  function freezeKey(parent) {
    const entry = add(parent, "button", { type: "button", disabled: "" });
    const swatch = add(entry, "svg", { viewBox: "0 0 18 10", class: "swatch", "aria-hidden": "true" });
    add(swatch, "rect", { x: 0, y: 0, width: 18, height: 10, class: "freeze" });
    add(swatch, "rect", { x: 0, y: 0, width: 18, height: 3, class: "freeze-edge" });
    entry.append("picture frozen");
  }

  /** Writes the values at the cursor, or those of the whole view. */
  function tell() {
    const t = state.cursor;
    for (const panel of shown) {
      panel.cursor.setAttribute("visibility", t === null ? "hidden" : "visible");
      if (t !== null) for (const end of ["x1", "x2"]) panel.cursor.setAttribute(end, panel.px(t));
      for (const line of panel.lines) {
        if (state.hidden.has(line.name)) continue;
        const { values, dt } = line.data;
        const write = panel.counts ? (value) => (Number.isNaN(value) ? "–" : `${Math.round(value)}`) : brief;
        if (t !== null) {
          line.output.textContent = write(values[Math.min(values.length - 1, Math.floor(t / dt))]);
          continue;
        }
        const [from, to] = indices(line.data);
        const found = values.subarray(from, to).filter((v) => !Number.isNaN(v));
        line.output.textContent = write({
          total: found.reduce((a, v) => a + v, 0), highest: found.length ? Math.max(...found) : NaN,
        }[panel.whole] ?? mean(found));
      }
    }
    const seconds = (value) => `${+value.toFixed(2)} s`;
    const now = DATA.timelines[state.at];
    const span = t === null
      ? `${seconds(state.from)} to ${seconds(state.to)}: mean rates, highest delays, total packets`
      : `at ${seconds(t)}`;
    readout.textContent = `${now.group}, seed ${now.seed}, ${span}`;
  }

  /** Pointer: cursor, drag to zoom, double-click to see all. */
  function follow(svg, width) {
    const time = (event) => {
      const box = svg.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * width;
      const t = state.from + (x - LEFT) / (width - LEFT - RIGHT) * (state.to - state.from);
      return Math.min(Math.max(t, state.from), state.to);
    };
    svg.addEventListener("pointermove", (event) => {
      state.cursor = time(event);
      if (state.drag !== null) {
        const [from, to] = [Math.min(state.drag, state.cursor), Math.max(state.drag, state.cursor)];
        for (const panel of shown) {
          panel.selection.setAttribute("visibility", "visible");
          panel.selection.setAttribute("x", panel.px(from));
          panel.selection.setAttribute("width", panel.px(to) - panel.px(from));
        }
      }
      tell();
    });
    svg.addEventListener("pointerleave", () => { if (state.drag === null) { state.cursor = null; tell(); } });
    svg.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "touch" || event.button !== 0) return;
      state.drag = time(event);
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointerup", (event) => {
      if (state.drag === null) return;
      const [from, to] = [state.drag, time(event)].sort((a, b) => a - b);
      state.drag = null;
      for (const panel of shown) panel.selection.setAttribute("visibility", "hidden");
      if ((to - from) / (state.to - state.from) > 0.005) zoom(from, to);
    });
    svg.addEventListener("pointercancel", () => { state.drag = null; });
    svg.addEventListener("dblclick", () => zoom(0, DATA.timelines[state.at].end));
  }

  function jump(id, flow) {
    const index = DATA.timelines.findIndex((t) => t.case === id);
    if (index < 0) return;
    showCase(index, flow);
    document.getElementById("timelines").scrollIntoView({ behavior: "smooth" });
  }
  document.addEventListener("show-case", (event) => jump(event.detail.case));
  for (const link of document.querySelectorAll("a.jump")) {
    link.addEventListener("click", (event) => { event.preventDefault(); jump(link.dataset.case, link.dataset.flow); });
  }
  gauges.addEventListener("toggle", draw);
  window.addEventListener("resize", draw);
  state.to = DATA.timelines[0].end;
  showCase(0);
})();
