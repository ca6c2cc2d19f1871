// Delay against quality: one small marker per seed, a large one for the mean
// with its interval on both axes.

(function scatter() {
  const plot = document.getElementById("scatter-plot");
  if (!plot || !DATA.scatter.length) return;
  const controls = document.getElementById("scatter-controls");
  const legend = document.getElementById("scatter-legend");
  const state = { table: 0, contest: "0", x: 0, y: 0 };

  const table = () => DATA.scatter[state.table];
  const rowsShown = () => {
    if (state.contest !== "all") return table().contests[+state.contest].rows;
    return table().contests.flatMap((contest) => contest.rows.map((row) => ({
      ...row, label: row.label === contest.title ? row.label : `${contest.title} · ${row.label}`,
    })));
  };

  function choose(tableIndex) {
    state.table = tableIndex;
    const { metrics, contests } = table();
    const find = (...names) => names.map((n) => metrics.findIndex((m) => m.name === n)).find((i) => i >= 0);
    state.x = find("frame_delay_p95_ms", "mouth_to_ear_p95_ms", "message_delay_p95_ms", "one_way_delay_p95_ms", "queue_delay_p95_ms")
      ?? Math.min(1, metrics.length - 1);
    state.y = find("video_bitrate_kbps", "goodput_kbps", "receive_rate_kbps", "concealed_ratio", "message_on_time_ratio") ?? 0;
    state.contest = contests.length > 1 && contests.every((contest) => contest.rows.length === 1) ? "all" : "0";
    showControls();
  }

  function showControls() {
    controls.textContent = "";
    const { metrics, contests } = table();
    const redraw = (change) => (value) => { change(value); draw(); };
    if (DATA.scatter.length > 1) {
      const names = DATA.scatter.map((t, i) => [i, t.kind]);
      select(controls, "flows", names, state.table, (value) => { choose(+value); draw(); });
    }
    if (contests.some((contest) => contest.rows.length > 1) && contests.length > 1) {
      const names = [["all", "all"], ...contests.map((contest, i) => [i, contest.title])];
      select(controls, "where", names, state.contest, redraw((value) => { state.contest = value; }));
    }
    const names = metrics.map((metric, i) => [i, metric.title]);
    select(controls, "across", names, state.x, redraw((value) => { state.x = +value; }));
    select(controls, "up", names, state.y, redraw((value) => { state.y = +value; }));
  }

  function axisTitle(metric, { log }) {
    const way = { lower: ["less is better"], higher: ["more is better"], neither: [] }[metric.better];
    const notes = log ? [...way, "log scale"] : way;
    return metric.title + (notes.length ? ` (${notes.join(", ")})` : "");
  }

  /** Intervals do not reach below zero where values do not. */
  const reach = (interval, floor) => (interval ? interval.map((value) => Math.max(value, floor)) : []);

  /** The scale of one axis: logarithmic where times differ by an order of magnitude or more. */
  function scale(rows, at, metric, near, far) {
    const values = rows.flatMap((row) => [row.mean[at], ...row.seeds.map((s) => s.values[at])]).filter((v) => v !== null);
    const floor = Math.min(...values) >= 0 ? 0 : -Infinity;
    const centres = rows.map((row) => row.mean[at]);
    const log = /^(ms|µs|s)$/.test(metric.unit) && Math.min(...values) > 0 && Math.max(...centres) > 12 * Math.min(...centres);
    const spread = rows.flatMap((row) => reach(row.interval[at], floor)).filter((v) => !log || v > 0);
    const shown = [...values, ...spread].map((value) => value * metric.scale);
    const [low, high] = log ? [Math.min(...shown) / 1.25, Math.max(...shown) * 1.25] : bounds(shown);
    const along = (v) => (log ? Math.log(Math.max(v, low) / low) / Math.log(high / low) : (v - low) / (high - low));
    return {
      log, floor, place: (value) => near + along(value * metric.scale) * (far - near),
      ticks: (count) => (log ? logTicks(low, high, count) : ticks(low, high, count)),
    };
  }

  function draw() {
    const width = Math.max(320, plot.clientWidth), height = Math.min(400, Math.max(280, Math.round(width * 0.55)));
    const left = 58, right = 16, top = 20, bottom = 44;
    const mx = table().metrics[state.x], my = table().metrics[state.y];
    const has = (values) => values[state.x] !== null && values[state.y] !== null;
    const rows = rowsShown().filter((row) => has(row.mean));
    const across = scale(rows, state.x, mx, left, width - right), up = scale(rows, state.y, my, height - bottom, top);
    const px = across.place, py = up.place;
    const named = rows.length <= 12 && width >= 600;

    plot.textContent = "";
    legend.textContent = "";
    legend.hidden = named;
    const svg = add(plot, "svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img",
      "aria-label": `${my.title} against ${mx.title}` });
    for (const tick of across.ticks(width / 90)) {
      const x = px(tick / mx.scale);
      add(svg, "line", { x1: x, x2: x, y1: top, y2: height - bottom, class: "grid" });
      add(svg, "text", { x, y: height - bottom + 17, "text-anchor": "middle" }, `${tick}`);
    }
    for (const tick of up.ticks(6)) {
      const y = py(tick / my.scale);
      add(svg, "line", { x1: left, x2: width - right, y1: y, y2: y, class: "grid" });
      add(svg, "text", { x: left - 8, y: y + 4, "text-anchor": "end" }, `${tick}`);
    }
    add(svg, "text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle", class: "strong" }, axisTitle(mx, across));
    add(svg, "text", { transform: `translate(13 ${(top + height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle", class: "strong" }, axisTitle(my, up));
    betterCorner(svg, mx, my, { left, right: width - right, top, bottom: height - bottom });
    if (!rows.length) add(svg, "text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "no case has both values");

    const write = (metric, value) => `${(value * metric.scale).toFixed(metric.decimals)} ${metric.unit}`.trim();
    const tell = (values) => `${mx.title.replace(` ${mx.unit}`, "")} ${write(mx, values[state.x])}, ${my.title.replace(` ${my.unit}`, "")} ${write(my, values[state.y])}`;
    for (const row of rows) {
      for (const seed of row.seeds.filter((s) => has(s.values))) {
        const dot = marker(svg, row.slot, px(seed.values[state.x]), py(seed.values[state.y]), 3.6, row.hollow, { class: "seed", "fill-opacity": 0.55 });
        add(dot, "title", {}, `${row.label}, seed ${seed.seed}: ${tell(seed.values)}`);
        dot.addEventListener("click", () => document.dispatchEvent(new CustomEvent("show-case", { detail: { case: seed.case } })));
      }
    }
    const placed = [];
    for (const row of rows) {
      const x = px(row.mean[state.x]), y = py(row.mean[state.y]);
      const whisker = (x1, y1, x2, y2) => add(svg, "line", { x1, y1, x2, y2, style: `stroke:${colourOf(row.slot)};stroke-width:2` });
      const ix = reach(row.interval[state.x], across.floor), iy = reach(row.interval[state.y], up.floor);
      if (ix.length) whisker(px(ix[0]), y, px(ix[1]), y);
      if (iy.length) whisker(x, py(iy[0]), x, py(iy[1]));
      const dot = marker(svg, row.slot, x, y, 7.5, row.hollow);
      add(dot, "title", {}, `${row.label}, mean: ${tell(row.mean)}`);
      if (!named) {
        const item = add(legend, "li");
        markerIcon(add(item, "span", { class: "marker" }), row.slot, row.hollow);
        item.append(row.label);
      }
      placed.push({ row, x, y });
    }
    if (named) nameMeans(svg, placed, { width, top });
  }

  /** Names beside the means, moved apart where they would cover each other. */
  function nameMeans(svg, placed, { width, top }) {
    const boxes = [];
    for (const { row, x, y } of placed.sort((a, b) => a.y - b.y)) {
      const text = row.label.length > 28 ? `${row.label.slice(0, 27)}…` : row.label;
      const wide = text.length * 7 + 14, flip = x + wide + 12 > width;
      let at = Math.max(top + 10, y - 10);
      const from = flip ? x - wide : x, to = flip ? x : x + wide;
      for (const box of boxes) {
        if (from < box.to && box.from < to && Math.abs(at - box.at) < 15) at = box.at + 15;
      }
      boxes.push({ from, to, at });
      add(svg, "text", { x: flip ? x - 12 : x + 12, y: at, "text-anchor": flip ? "end" : "start", class: "name" }, text);
    }
  }

  /** Says which corner is the good one. */
  function betterCorner(svg, mx, my, box) {
    if (mx.better === "neither" || my.better === "neither") return;
    const lowX = mx.better === "lower", highY = my.better === "higher";
    const arrow = highY ? (lowX ? "↖" : "↗") : (lowX ? "↙" : "↘");
    add(svg, "text", {
      x: lowX ? box.left + 8 : box.right - 8, y: highY ? box.top - 4 : box.bottom - 8, "text-anchor": lowX ? "start" : "end",
    }, lowX ? `${arrow} better` : `better ${arrow}`);
  }

  choose(0);
  draw();
  window.addEventListener("resize", draw);
})();
